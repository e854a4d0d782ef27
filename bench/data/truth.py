"""What the best possible model would score, and how far from it another one is: exact where p(y=1|x) is known.

Labels are soft: numbers here are expectations over labels drawn from the truth (of AUROC and average precision, the
ratio of the expectations of what is divided), free of the noise of a draw. Then no model beats the truth: the log loss
is least at q = p (Gibbs' inequality), and AUROC and average precision are greatest for the order of p (Neyman & Pearson
1933; for average precision by exchange of neighbours). Finite draws of labels may say otherwise now and then.
"""

from __future__ import annotations
