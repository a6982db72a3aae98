"""Selection and transforms on matrices whose right answer is known."""

import numpy as np
import pytest

from mien.core.errors import UsageError
from mien.features.select import by_importance, by_information, by_variance, without_redundant
from mien.features.transform import categories, cyclic, filled, logarithms
from mien.features.vector import FeatureMatrix

N = 400
RNG = np.random.default_rng(0)
SIGNAL, NOISE = RNG.normal(size=N), RNG.normal(size=N)
TARGET = (SIGNAL > 0).astype(np.int64)


def matrix(**columns: object) -> FeatureMatrix:
    values = np.stack([np.broadcast_to(np.asarray(column, dtype=float), N) for column in columns.values()], axis=1)
    return FeatureMatrix(np.arange(N, dtype=np.int32), tuple(columns), values, 0)


def test_what_is_the_same_for_all_is_dropped() -> None:
    chosen = by_variance(matrix(constant=7.0, nothing=np.nan, zero=0.0, signal=SIGNAL))
    assert chosen.names == ("signal",)
    assert set(chosen.dropped) == {"constant", "nothing", "zero"}
    assert chosen.dropped["constant"] == "it is the same for all users"


@pytest.mark.parametrize("choose", [by_information, by_importance])
@pytest.mark.parametrize("target", [TARGET, SIGNAL**3])
def test_signal_beats_noise(choose, target) -> None:
    gappy = np.where(RNG.random(N) < 0.1, np.nan, SIGNAL)
    whole = matrix(noise=NOISE, signal=gappy)
    chosen = choose(whole, target, 1)
    assert chosen.names == ("signal",)
    assert list(chosen.dropped) == ["noise"]
    assert chosen.scores["signal"] > chosen.scores["noise"]
    assert choose(whole, target, 1) == chosen  # same seed, same answer
    with pytest.raises(UsageError, match="400"):
        choose(whole, target[:-1], 1)


def test_of_two_that_say_the_same_the_better_stays() -> None:
    twins = matrix(copy=np.exp(SIGNAL), noise=NOISE, signal=SIGNAL)
    chosen = without_redundant(twins, ["signal", "copy", "noise"])
    assert chosen.names == ("signal", "noise")
    assert chosen.dropped == {"copy": "it correlates 1.000 with signal"}
    assert without_redundant(twins).names == ("copy", "noise")


def test_unknown_values_become_the_median() -> None:
    gaps = np.full(N, 3.0)
    gaps[:100] = np.nan
    whole = filled(matrix(gaps=gaps, nothing=np.nan))
    assert whole.column("gaps").tolist() == [3.0] * N
    assert whole.column("nothing").tolist() == [0.0] * N


def test_logarithms_keep_the_sign() -> None:
    logs = logarithms(matrix(a=np.e - 1, b=-(np.e - 1), c=5.0), ["a", "b"])
    assert logs.values[0].tolist() == pytest.approx([1.0, -1.0, 5.0])


def test_midnight_is_near_eleven() -> None:
    clock = cyclic(matrix(x=0.0), "hour", np.where(np.arange(N) % 2, 23.0, 0.0), 24)
    assert clock.names == ("x", "hour.sin", "hour.cos")
    points = clock.values[:2, 1:]
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(2 * np.sin(np.pi / 24))


def test_categories_become_columns() -> None:
    places = ["north", None, "south", "east"] + [None] * (N - 4)
    free = categories(matrix(x=0.0), "place", places)
    assert free.names == ("x", "place=east", "place=north", "place=south")
    fixed = categories(matrix(x=0.0), "place", places, known=["south", "west"])
    assert fixed.values[:4, 1:].tolist() == [[0, 0], [0, 0], [1, 0], [0, 0]]
