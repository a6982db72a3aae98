"""Terms of time and of the crowd: what is due, what is on the rise, what is new, what a segment likes."""

import hashlib

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from mien.core.clock import DAY_US, HOUR_US
from mien.core.ids import Rows
from mien.ranking.asking import Asked
from mien.ranking.blend import Term
from mien.ranking.bought import purchase_span
from mien.ranking.wording import ago, say, times

Floats = npt.NDArray[np.float64]
ROUND_US = HOUR_US
"""How long a draw among new arrivals stands: an hour's answers agree, and the next hour's are drawn anew."""
APPEAL_ACTS, APPEAL_DAYS = 1.0, 3.0
"""What an unknown arrival is thought of before anybody acted: a user-day in three days, as gamma's shape and rate."""


def due_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """P(the person buys it again within the horizon), against the best candidate."""
    context, person, rhythm = asked.context, asked.person, asked.context.shelf.learnt.rhythm
    values = np.zeros(len(rows))
    if person is None or rhythm is None:
        return Term("due", values, lambda _: ("", ()))
    place = person.bought.at(rows)
    own = np.flatnonzero(place >= 0)
    at, history = place[own], person.bought
    first, last = purchase_span(person)
    due = rhythm.due(rows[own], (history.n[at], history.strength[at]), first[at], last[at], context.at_us)
    best = due.p.max(initial=0.0)
    values[own] = due.p / best if best > 0 else due.p
    which = np.full(len(rows), -1, dtype=np.int64)
    which[own] = np.arange(len(own))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        j, m = int(which[k]), int(place[k])
        facts = {
            "gap": max(round(float(due.gap_days[j])), 1),
            "ago": ago(context.language, int(last[m]), context.at_us),
            "chance": f"{due.p[j]:.0%}",
            "days": f"{rhythm.horizon_days:g}",
        }
        what = "due" if history.n[m] > 1 else "due_once"
        return say(context.language, what, **facts), (person.tallies.newest[int(history.newest[m])],)

    return Term("due", weight * values, explain)


def trend_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """The log lower bound of the growth against the item's own past, against the best candidate."""
    trend, context = asked.context.shelf.learnt.trend, asked.context
    values = np.zeros(len(rows))
    if trend is not None:
        inside = rows < trend.n_items
        values[inside] = trend.fitted["growth"][rows[inside]]
    best = values.max(initial=0.0)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        assert trend is not None  # else there is no growth to explain
        row = int(rows[k])
        facts = {
            "growth": f"{np.exp(values[k]):.1f}",
            "recent": int(trend.fitted["recent"][row]),
            "days": f"{trend.days:g}",
            "past": f"{trend.fitted['past'][row] * trend.days / trend.past_days:.1f}",
        }
        return say(context.language, "trend", **facts), ()

    return Term("trend", weight * (values / best if best > 0 else values), explain)


def new_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """A place among the new by lot, so that each is seen: a draw from the posterior of its appeal (Thompson, 1933).

    Appeal: user-days of acts a day since it came, Gamma(1 + acts, 3 + days). The draw depends on the item and the hour
    only: it is the same for everybody and can be made again. Values against the best candidate.
    """
    context = asked.context
    came = context.shelf.arrived_us[rows]
    days = np.maximum(context.at_us - came, 0) / DAY_US
    fresh = (came > 0) & (days <= context.options.new_days) & (came <= context.at_us)
    acts = context.shelf.learnt.acts(len(context.shelf.catalogue))[rows]
    values = np.zeros(len(rows))
    lots = np.array([_lot(context.shelf.catalogue.item_id[int(row)] or "", context.at_us) for row in rows[fresh]])
    values[fresh] = gammaincinv(APPEAL_ACTS + acts[fresh], lots) / (APPEAL_DAYS + days[fresh])
    best = values.max(initial=0.0)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        facts = {
            "ago": ago(context.language, int(came[k]), context.at_us),
            "acts": times(context.language, int(acts[k])),
        }
        return say(context.language, "new", **facts), ()

    return Term("new", weight * (values / best if best > 0 else values), explain)


def _lot(item_id: str, at_us: int) -> float:
    """A number in (0, 1), even over items and hours and the same whenever it is asked for."""
    drawn = hashlib.blake2b(f"{item_id}|{at_us // ROUND_US}".encode(), digest_size=8).digest()
    return (int.from_bytes(drawn, "big") + 0.5) / 2.0**64


def segment_term(rows: Rows, asked: Asked, weight: float) -> Term:
    """log(1 + how much of its own acts a segment gives an item, per 10,000), against the best candidate."""
    segments, context = asked.context.shelf.learnt.segments, asked.context
    values = np.zeros(len(rows))
    if segments is not None and asked.traits:
        shares = segments.popularity(asked.traits)[0]
        inside = rows < len(shares)
        values[inside] = np.log1p(1e4 * shares[rows[inside]])
    best = values.max(initial=0.0)
    comma = ", " if context.language == "en" else "、"
    told = comma.join(f"{name} {value}" for name, value in asked.traits)
    return Term(
        "segment",
        weight * (values / best if best > 0 else values),
        lambda _: (say(context.language, "segment", traits=told), ()),
    )
