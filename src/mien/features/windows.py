"""Windows over daily buckets: how often, in the last days of the shop's calendar."""

import numpy as np

from mien.core.event import ACTIONS
from mien.features.state import State

WINDOWS: dict[str, int | None] = {"7d": 7, "30d": 30, "90d": 90, "all": None}
"""Name → number of local days, the one of `at` included."""


def windows(state: State, at_us: int) -> dict[str, dict[str, int]]:
    """action → {"7d", "30d", "90d", "all"} → events, for every action that occurs. Days after `at_us` are left out."""
    today = state.settings.shifts.day(at_us)
    day, action, n = (state.days.numpy(k) for k in range(3))
    totals = {}
    for name, length in WINDOWS.items():
        inside = (day <= today) & (True if length is None else day > today - length)
        totals[name] = np.bincount(action[inside], weights=n[inside], minlength=len(ACTIONS)).astype(int).tolist()
    return {
        str(name): {window: totals[window][code] for window in WINDOWS}
        for code, name in enumerate(ACTIONS)
        if totals["all"][code]
    }
