"""Public packages fetched once, checked against their hashes, and stored in the cache."""
