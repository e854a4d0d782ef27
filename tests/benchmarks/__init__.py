"""Speed as ratios: each row against its reference, in one process run (`make bench`)."""
