"""Traits: what a user declared, and the little about them that their rhythm says beyond doubt."""

from collections.abc import Sequence

from scipy.special import betaincc

from mien.core.profile import Trait
from mien.core.user import User
from mien.features.state import State
from mien.features.transitions import sessions
from mien.profiles.options import ProfileOptions

RULES = "traits-1"
DAY_PARTS = {"night": range(6), "morning": range(6, 12), "afternoon": range(12, 18), "evening": range(18, 24)}
WEEKEND = (5, 6)


def read_traits(state: State, user: User | None, options: ProfileOptions) -> tuple[Trait, ...]:
    """Declared traits first; inferred ones only where nothing of that name is declared."""
    declared = [Trait(name, value, "declared") for name, value in (user.traits if user else {}).items()]
    named = {trait.name for trait in declared}
    return (*declared, *(trait for trait in _rhythm(state, options) if trait.name not in named))


def _rhythm(state: State, options: ProfileOptions) -> list[Trait]:
    """`day_part`: more than half of what the user does falls into it. `shops_on`: the same for the weekend.

    P(θ > ½) under Beta(1 + n·x, 1 + n·(1 − x)), x the share of events and n the number of *visits*: the events of
    one visit are not independent witnesses.
    """
    events, visits = sum(state.hours), sessions(state)
    if not events or not visits:
        return []
    parts = [(name, _share(state.hours, hours)) for name, hours in DAY_PARTS.items()]
    favourite, share = max(parts, key=lambda part: part[1])
    found = [("day_part", favourite, share), ("shops_on", "weekend", _share(state.weekdays, WEEKEND))]
    sure = [(name, value, _above_half(share, visits)) for name, value, share in found]
    return [
        Trait(name, value, "inferred", confidence=chance, version=RULES)
        for name, value, chance in sure
        if chance >= options.trait_confidence
    ]


def _share(counts: list[int], places: Sequence[int]) -> float:
    return sum(counts[place] for place in places) / sum(counts)


def _above_half(share: float, visits: int) -> float:
    return float(betaincc(1 + visits * share, 1 + visits * (1 - share), 0.5))
