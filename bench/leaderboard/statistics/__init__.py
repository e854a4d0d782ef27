"""Which differences are real: over seeds and splits of one data set, and over data sets."""
