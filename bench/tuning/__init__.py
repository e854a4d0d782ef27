"""Search for hyperparameters with Optuna: the same budget for every strategy, validation rows only."""
