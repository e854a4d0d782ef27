"""Recipes in, predictors out: batches, the one LightningModule, and the driver of strategies."""
