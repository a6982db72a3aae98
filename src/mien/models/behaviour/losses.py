"""What the network learns by: sampled softmax over items with shared negatives, in one fused step."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Ints = npt.NDArray[np.int64]


class SampledSoftmax(torch.autograd.Function):
    """Per row −log of softmax(h·e⁺ | e⁺ and the negatives), the negatives corrected by what they stand for.

    ℓ = log(e^{h·e⁺} + Σ_j e^{h·e_j + c_j}) − h·e⁺,  c_j = −log(expected draws of j), so that the sum estimates that
    over all items (log-Q correction: Bengio and Senécal, 2008; Yi et al., RecSys 2019). The probabilities overwrite
    the scores, and the gradients are two products with them: nothing as large as the scores exists twice.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, target: Tensor, negative: Tensor, correction: Tensor, hits: Tensor) -> Tensor:
        own = (hidden * target).sum(-1)
        scores = torch.addmm(correction, hidden, negative.T)
        scores[hits[0], hits[1]] = -torch.inf  # a negative that is the target of the row
        highest = torch.maximum(own, scores.amax(dim=1))
        likely = scores.sub_(highest[:, None]).exp_()
        own_likely = (own - highest).exp()
        total = likely.sum(dim=1) + own_likely
        likely.div_(total[:, None])
        ctx.save_for_backward(hidden, target, negative, likely, own_likely / total)
        return total.log() + highest - own

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        (slope,) = slopes
        hidden, target, negative, likely, own_likely = ctx.saved_tensors
        missed = ((own_likely - 1.0) * slope)[:, None]
        to_hidden = (likely @ negative) * slope[:, None] + target * missed
        return to_hidden, hidden * missed, likely.T @ (hidden * slope[:, None]), None, None


class Negatives:
    """Draws items with probability ∝ (count + 1)^power among those that were acted on."""

    def __init__(self, counts: Ints, power: float) -> None:
        self.seen = np.flatnonzero(counts)
        weight = (counts[self.seen] + 1.0) ** power
        self.share = weight / max(weight.sum(), 1e-300)
        self.upto = np.cumsum(self.share)
        self.place = np.full(len(counts), -1, dtype=np.int64)

    def draw(self, n: int, targets: Ints, random: np.random.Generator) -> tuple[Ints, npt.NDArray[np.float32], Ints]:
        """Different items `(m,)`, their corrections `(m,)`, and `(2, hits)` where a row's target is among them.

        An item drawn twice stands once with twice the weight.
        """
        drawn = np.minimum(np.searchsorted(self.upto, random.random(n)), len(self.seen) - 1)
        picked, times = np.unique(drawn, return_counts=True)
        items = self.seen[picked]
        correction = np.log(times / (n * self.share[picked])).astype(np.float32)
        self.place[items] = np.arange(len(items))
        column = self.place[targets]
        self.place[items] = -1
        row = np.flatnonzero(column >= 0)
        return items, correction, np.stack([row, column[row]])
