"""Leaderboards: statistics, the table model, its formats. Reads records only; imports neither torch nor the harness."""
