"""Where tables come from: one file for each data set."""
