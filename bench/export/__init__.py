"""A trained model and its decision rule as a folder that others can use, and what scores new rows with it."""
