"""Models by registry name, one file each: networks, ordinary or with a leading axis of K members, and estimators."""
