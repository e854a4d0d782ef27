"""The metrics, one entry each: `@Ranking.entry(…)`, `@Probability.entry(…)` or `@Decision.entry(…)` over its formula.

torchmetrics serves where it is right. Where it is not used, and why:

| metric | torchmetrics 1.9 |
|---|---|
| `auroc`, `average_precision` | float32; scores outside [0, 1] go through a sigmoid, where large ones tie |
| `recall_at_…pct` | of rows tied at the cut, `retrieval_recall` takes any |
| `precision_at_…pct`, `lift_at_…pct` | of rows tied at the cut, `retrieval_precision` takes any; has no lift |
| `recall_at_fpr_…pct` | `binary_recall_at_fixed_precision` fixes the precision |
| `ndcg`, `gauc`, `mrr`, `mean_average_precision` | `retrieval_…` are of one query a call, in float32; has no gAUC |
| `expected_cost`, `savings` | has neither |
| `log_loss`, `normalised_entropy` | has neither; `perplexity` is exp(log loss) |
| `brier` | `mean_squared_error` is it for two classes, up to the order of summation; for more it divides by them |
| `ece` | `binary_calibration_error` is used for both; `multiclass_calibration_error` converts to float32 |
| `calibration_intercept`, `calibration_slope`, `predicted_observed` | has none |
| `macro_f1`, `f1`, `precision`, `recall`, `accuracy` | float32; a precision of 0 where nothing was predicted |
| `balanced_accuracy`, `head_…`, `middle_…`, `tail_recall` | a class that is predicted and not in test counts as 0 |
| `g_mean` | has none |
| `auroc_gap` | has none |
| `worst_…` | has none |
| `mcc` | float32; a number where it is undefined (.84 say); C x C counts, 0.8 GB with 10,000 classes |

`tests/evaluation/metrics/test_torchmetrics.py` shows each difference, and fails where torchmetrics mends one.
"""
