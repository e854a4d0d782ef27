"""From a table's parts to the tensors that models take; whatever is fitted sees training rows only."""
