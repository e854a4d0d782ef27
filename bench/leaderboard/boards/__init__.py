"""From records to boards: which records stand in which row, their means, intervals and verdicts."""
