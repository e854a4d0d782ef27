"""Numbers and words as people read them, the same in every format."""
