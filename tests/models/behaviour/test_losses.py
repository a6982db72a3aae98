"""The fused loss equals the plain one, its corrections make it estimate the whole softmax, and gradients agree."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra models")

from mien.models.behaviour.losses import Negatives, SampledSoftmax  # noqa: E402


def test_it_equals_cross_entropy_written_out() -> None:
    torch.manual_seed(0)
    hidden, target, negative = (torch.randn(n, 6, dtype=torch.float64, requires_grad=True) for n in (5, 5, 7))
    correction = torch.randn(7, dtype=torch.float64)
    hits = torch.tensor([[1, 3], [2, 0]])
    slope = torch.rand(5, dtype=torch.float64)

    ours = SampledSoftmax.apply(hidden, target, negative, correction, hits)
    found = torch.autograd.grad(ours, (hidden, target, negative), slope)

    scores = hidden @ negative.T + correction
    mask = torch.zeros_like(scores, dtype=torch.bool)
    mask[hits[0], hits[1]] = True
    scores = torch.cat([(hidden * target).sum(-1, keepdim=True), scores.masked_fill(mask, -torch.inf)], dim=1)
    plain = torch.nn.functional.cross_entropy(scores, torch.zeros(5, dtype=torch.int64), reduction="none")
    wanted = torch.autograd.grad(plain, (hidden, target, negative), slope)

    assert torch.allclose(ours, plain)
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_corrected_draws_estimate_the_sum_over_all_items(power: float) -> None:
    random = np.random.default_rng(0)
    counts = random.integers(1, 200, 300)
    weights = np.exp(random.standard_normal(300))
    negatives = Negatives(counts, power)
    sums = []
    for _ in range(400):
        items, correction, _ = negatives.draw(64, np.array([0]), random)
        sums.append((weights[items] * np.exp(correction)).sum())
    error = np.std(sums) / np.sqrt(len(sums))
    assert abs(np.mean(sums) - weights.sum()) < 4 * error


def test_what_nobody_touched_is_never_drawn_and_targets_are_found() -> None:
    negatives = Negatives(np.array([3, 0, 5, 0, 1]), 0.5)
    targets = np.array([2, 4, 2])
    items, _, hits = negatives.draw(200, targets, np.random.default_rng(0))
    assert items.tolist() == [0, 2, 4]
    assert sorted((row, int(items[column])) for row, column in hits.T.tolist()) == [(0, 2), (1, 4), (2, 2)]
