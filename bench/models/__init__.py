"""Models by registry name: one file each. Every parameter has a leading axis of K independent members."""
