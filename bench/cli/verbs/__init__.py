"""One file per verb; what several share lies in `parts`."""
