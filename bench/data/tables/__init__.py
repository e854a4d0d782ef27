"""From typed columns to a cleaned table with roles, and its parts for training, validation and test."""
