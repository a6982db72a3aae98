"""Rates and the chain of actions, by numbers that can be computed on paper."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import NotReady
from mien.core.event import ACTION_CODE, ACTIONS
from mien.models.markov import Markov, bernoulli_rate, perplexity, purchase_rate

VIEW, BUY, IMPRESSION = ACTION_CODE["view"], ACTION_CODE["purchase"], ACTION_CODE["impression"]

# The six rows: each of two users views twice and then buys.
OWN = {(VIEW, VIEW): 1, (VIEW, BUY): 1}
EVERYBODY = Markov.fit({VIEW: 4, BUY: 2}, {(VIEW, VIEW): 2, (VIEW, BUY): 2})


def test_the_six_rows_by_plain_maximum_likelihood() -> None:
    assert purchase_rate({VIEW: 2, BUY: 1}) == pytest.approx(1 / 3)
    assert EVERYBODY.transitions(OWN, smoothed=False) == {"view": {"view": 0.5, "purchase": 0.5}}
    assert EVERYBODY.rates({VIEW: 2, BUY: 1}, smoothed=False) == pytest.approx({"view": 2 / 3, "purchase": 1 / 3})


def test_the_six_rows_smoothed_by_five_imaginary_steps() -> None:
    """π = (view 2/3, purchase 1/3), s = 5: (1 + 10/3)/7 = 13/21 and (1 + 5/3)/7 = 8/21."""
    assert EVERYBODY.transitions(OWN)["view"] == pytest.approx({"view": 13 / 21, "purchase": 8 / 21})
    assert EVERYBODY.next_action(OWN, VIEW) == pytest.approx({"view": 13 / 21, "purchase": 8 / 21})
    assert EVERYBODY.rates({VIEW: 2, BUY: 1}) == pytest.approx({"view": (2 + 10 / 3) / 8, "purchase": (1 + 5 / 3) / 8})


def test_what_was_never_left_gets_the_population() -> None:
    expected = {"view": 2 / 3, "purchase": 1 / 3}
    assert EVERYBODY.next_action(OWN, BUY) == pytest.approx(expected)
    assert EVERYBODY.next_action({}, None) == pytest.approx(expected)
    assert EVERYBODY.transitions({}) == {}


def test_log_likelihood_by_hand() -> None:
    """The population's chain from view: (2 + 10/3)/9 = 16/27 to view, (2 + 5/3)/9 = 11/27 to purchase."""
    expected = (math.log(16 / 27) + math.log(11 / 27)) / 2
    assert EVERYBODY.log_likelihood(OWN) == pytest.approx(expected)
    assert EVERYBODY.log_likelihood({}) is None
    assert perplexity(math.log(0.25)) == pytest.approx(4.0)


def test_unlike_everybody_is_less_likely() -> None:
    odd = {(BUY, BUY): 50}
    likelihoods = EVERYBODY.log_likelihood(odd), EVERYBODY.log_likelihood(OWN)
    assert likelihoods[0] is not None
    assert likelihoods[1] is not None
    assert likelihoods[0] < likelihoods[1]
    never_seen = EVERYBODY.log_likelihood({(BUY, ACTION_CODE["share"]): 1})
    assert never_seen is not None
    assert math.isfinite(never_seen)


def test_what_the_shop_did_is_no_act() -> None:
    chain = Markov.fit({VIEW: 4, BUY: 2, IMPRESSION: 1000}, {})
    assert chain.share[IMPRESSION] == 0.0
    assert purchase_rate({VIEW: 2, BUY: 1, IMPRESSION: 500}) == pytest.approx(1 / 3)


def test_bernoulli() -> None:
    assert bernoulli_rate(0, 0) is None
    assert bernoulli_rate(1, 3) == pytest.approx(1 / 3)
    assert bernoulli_rate(1, 3, prior=0.1, strength=10.0) == pytest.approx(2 / 13)
    assert purchase_rate({}) is None


def test_nobody_did_anything_yet() -> None:
    chain = Markov.fit({}, {})
    assert chain.next_action({}, None) == pytest.approx({str(action): 1 / len(ACTIONS) for action in ACTIONS})
    assert chain.rates({}, smoothed=False) == {}


codes = st.sampled_from([code for code in range(len(ACTIONS)) if code != IMPRESSION])


@given(
    st.dictionaries(st.tuples(codes, codes), st.integers(1, 50), max_size=8),
    st.dictionaries(codes, st.integers(1, 50), min_size=1, max_size=5),
    st.floats(0.1, 100.0),
)
def test_every_row_is_a_distribution(
    steps: dict[tuple[int, int], int], counts: dict[int, int], strength: float
) -> None:
    chain = Markov.fit(counts, steps, strength=strength)
    for smoothed in (True, False):
        for row in chain.transitions(steps, smoothed=smoothed).values():
            assert sum(row.values()) == pytest.approx(1.0)
            assert list(row.values()) == sorted(row.values(), reverse=True)
    assert sum(chain.next_action(steps, VIEW).values()) == pytest.approx(1.0)
    likelihood = chain.log_likelihood(steps)
    assert (likelihood is None) == (not steps)
    assert likelihood is None or likelihood <= 1e-12


def test_save_and_load_is_identity(tmp_path: Path) -> None:
    with pytest.raises(NotReady):
        Markov.load(tmp_path)
    EVERYBODY.save(tmp_path)
    again = Markov.load(tmp_path)
    assert again.version == EVERYBODY.version
    assert again.transitions(OWN) == EVERYBODY.transitions(OWN)
    assert again.log_likelihood(OWN) == EVERYBODY.log_likelihood(OWN)
