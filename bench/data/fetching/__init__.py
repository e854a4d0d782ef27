"""Public packages fetched once, checked against their hashes, and kept."""
