"""Cleaning, seen from outside: fit a judgement on a log, judge the log in the batch and each event live.

`judge` (a table) and `judge_event` (one event) are one definition written twice: whatever one says of an event the
other says too. That is why an event is judged by itself and by what was fitted, never by other events. What has a
verdict is left as it came; what is kept has a value and a quantity, neither null nor negative.
"""

from mien.prepare.fit import fit_judgement
from mien.prepare.judge import judge
from mien.prepare.judge_event import UNSAID, Judged, judge_event
from mien.prepare.judgement import Bound, Fill, Judgement
from mien.prepare.policy import BotPolicy, CleanPolicy, MissingPolicy, OutlierPolicy

__all__ = [
    "UNSAID",
    "BotPolicy",
    "Bound",
    "CleanPolicy",
    "Fill",
    "Judged",
    "Judgement",
    "MissingPolicy",
    "OutlierPolicy",
    "fit_judgement",
    "judge",
    "judge_event",
]
