"""Speed as ratios: each row of shared/performance.md against its reference, in one process run (`make bench`)."""
