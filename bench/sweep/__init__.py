"""From a grid of cells to records: what is to do, in which processes, and what came of it."""
