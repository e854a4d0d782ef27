"""Scripts that prove and measure what tests cannot in time."""
