"""Behaviour: what the user does next, by a chain of actions smoothed with that of everybody."""

import numpy as np

from mien.core.event import ACTIONS
from mien.core.profile import Behaviour
from mien.features.state import State, TallyArrays
from mien.features.transitions import last_action, transitions
from mien.models.markov import Markov, purchase_rate


def read_behaviour(state: State, tallies: TallyArrays, chain: Markov) -> Behaviour | None:
    """Next action, transitions and purchase rate; None for who has done nothing. See `models.markov`."""
    last = last_action(state)
    if last is None:
        return None
    steps = transitions(state)
    counts = np.bincount(tallies.action, weights=tallies.n, minlength=len(ACTIONS))
    return Behaviour(
        next_action=chain.next_action(steps, last),
        transitions=chain.transitions(steps),
        purchase_rate=purchase_rate({code: int(n) for code, n in enumerate(counts)}),
        version=chain.version,
    )
