"""A look at a table before anything is trained: classes, leaks, ids, drift."""
