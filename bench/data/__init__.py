"""Data: sources, the schema of a loaded table, splits, and the encoders that turn rows into features."""
