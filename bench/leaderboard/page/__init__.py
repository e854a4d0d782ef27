"""The parts of the HTML page: answers first, then a section for each board."""
