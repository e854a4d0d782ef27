"""Models: networks and estimators, built in and from outside."""
