"""Recipes in, predictors out: batches, stacks trained as one model, Lightning's loop over them, the driver."""
