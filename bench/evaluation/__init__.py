"""What a model's predictions are worth: views of logits, metrics, per group, and against a known truth."""
