"""How like rows are to others: the mean of a kernel of cosines, in exact chunked matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 1024  # targets, and on a CPU rows, a matrix product: 4 MB of float32 scores, into the same memory every time
PART = 128  # rows of these whose kernel values are taken at once, in the second cache
GPU_CHUNK = 1 << 16  # rows on a GPU: 256 MB of scores, enough work for a launch


def similarity(
    v: Tensor, targets: Tensor, kernel: Literal["sinh", "cosine"], scale: float, device: torch.device | None = None
) -> Tensor:
    """Mean kernel value of each row (n, d) against the targets (m, d), all L2-normalised here: (n,) float64, CPU.

    The cosines' mean is a product with the mean target. sinh is summed in the precision of `v` over up to `CHUNK`
    targets, and these sums in float64; its error in float32 is below 1e-6 · max(1, scale) of the mean cosh.
    `device`: where to compute, by default where `v` is; rows travel there in chunks.
    """
    device = device or v.device
    size, part = (CHUNK, PART) if device.type == "cpu" else (GPU_CHUNK, GPU_CHUNK)
    scores = torch.zeros(len(v), dtype=torch.float64, device=device)
    aims = torch.nn.functional.normalize(targets.to(device), dim=-1)
    mean, scaled = aims.mean(0, dtype=torch.float64), torch.split(aims * scale, CHUNK)
    space = aims.new_empty(min(size, len(v)) * min(CHUNK, len(aims)) if kernel == "sinh" else 0)
    for rows, total in zip(torch.split(v, size), torch.split(scores, size), strict=True):
        unit = torch.nn.functional.normalize(rows.to(device), dim=-1)
        if kernel == "cosine":
            total.add_(unit.double() @ mean)
            continue
        for aim in scaled:
            s = torch.mm(unit, aim.T, out=space[: len(unit) * len(aim)].view(len(unit), len(aim)))
            total.add_(_twice_sinh_sums(s, part).double() / (2 * len(aims)))
    return scores.cpu()


def _twice_sinh_sums(s: Tensor, part: int) -> Tensor:
    """Sums of 2 sinh(s) = e^s - 1/e^s over rows, overwriting s, so many rows at once.

    exp costs a fifth of torch's sinh.
    """
    one = s.new_ones(1).expand_as(s[:part])
    return torch.cat([p.exp_().addcdiv_(one[: len(p)], p, value=-1).sum(1) for p in torch.split(s, part)])


def of_each_class(v: Tensor, y: Tensor, targets: Tensor, kernel: Literal["sinh", "cosine"], scale: float) -> Tensor:
    """`similarity` to the targets of each class, averaged over classes; no row is a target of itself. (n,) float64.

    targets: row numbers. The only target of its class has nothing else to be like there: 0.
    """
    v = torch.nn.functional.normalize(v, dim=-1)
    total = torch.zeros(len(v), dtype=torch.float64)
    itself = (v[targets].double() ** 2).sum(-1)
    found = y[targets]
    classes: list[int] = torch.bincount(found).nonzero().flatten().tolist()
    for c in classes:
        mine, own = targets[found == c], itself[found == c]
        score, m = similarity(v, v[mine], kernel, scale), len(mine)
        rest = score[mine] * m - (torch.sinh(scale * own) if kernel == "sinh" else own)
        score[mine] = rest / (m - 1) if m > 1 else 0.0
        total += score
    return total / len(classes)
