"""What the kinds of recommendation are worth, on real shops, by time, beside the humble ways to do the same.

*goes-with*: one basket a user after the split; half of it, drawn by seed, is the cart, the other half is to be found
among all items. *buy-again*: what the first order after the split repeats, found among what the user has bought.
*for-you*: the first order after the split, with what was bought shown always or as learned, and weighed by what earlier
orders taught. *again*: of first purchases
after an earlier split, which are followed by the same item within `again_days`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, from_us
from mien.core.errors import UnknownName, UsageError
from mien.core.event import Action
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.core.query import Query
from mien.models.complements import basket_matrix, basket_of
from mien.models.frequency import Frequency
from mien.models.gaps import pairs_of
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model
from mien.models.ranked import best
from mien.models.repeat import Repeat
from mien.models.rhythm import Rhythm
from mien.ranking.kind import BUY_AGAIN, FOR_YOU, GOES_WITH, SIMILAR
from mien.ranking.options import RankingOptions
from mien.studies.baskets import Baskets, split_baskets
from mien.studies.drawn import drawn_again, interval, macro_aurocs
from mien.studies.metrics import (
    Interval,
    bootstrap_mean,
    hit_matrix,
    ndcg_at,
    paired_difference,
    precision_at,
    recall_at,
)
from mien.studies.next_basket import real_shop
from mien.studies.shelved import Shelved
from mien.testing.shops import RealShop

NAME = "kinds"
PARTS = ("goes-with", "buy-again", "for-you", "again")
K = 10
RANKED = "ranked as learned"
SUPPORT = 5
"""Baskets that must hold a pair before its plain lift counts."""
FEWEST = 300
"""Cases from which a category is told by itself."""
ROUNDS = 200
"""Bootstrap rounds of an AUROC."""
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.integer]
Lists = Mapping[str, npt.NDArray[np.int32]]
Part = Callable[[Shelved, "_Options"], list[dict[str, Any]]]


class _Options:
    """What the parts are told: how many people at most, by which seed, and the days of `again`."""

    def __init__(self, users: int, seed: int, again_days: float) -> None:
        self.users, self.seed, self.again_days = users, seed, again_days


def study(
    source: str = "completejourney",
    parts: tuple[str, ...] = PARTS,
    *,
    users: int = 2000,
    shift_days: float = 0.0,
    again_days: float = 60.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """`source`: `completejourney`, `online_retail:FOLDER`, `retailrocket:FOLDER`. `shift_days`: how much earlier than
    that of the shop's reference figures the split lies (settings are chosen there). Cost: minutes."""
    for part in parts:
        if part not in PARTS:
            raise UnknownName("part of the study kinds", part, PARTS)
    if users < 1 or again_days <= 0 or shift_days < 0:
        raise UsageError("users must be 1 or more, again_days above 0, shift_days 0 or more.")
    shop = real_shop(source)
    at_us = shop.at_us - round(shift_days * DAY_US)
    shelved = Shelved(shop, shop.data.before(at_us), at_us)
    told, options = progress or Silent(), _Options(users, seed, again_days)
    done = told.step("kinds", len(parts))
    rows = []
    for part in parts:
        rows += [{"target": part, "shop": shop.name, **row} for row in _PARTS[part](shelved, options)]
        done(1)
    at = from_us(at_us).isoformat().replace("+00:00", "Z")
    return {"study": NAME, "source": source, "split": at, "seed": seed, "models": rows}


# ── goes with ────────────────────────────────────────────────────────────────────────────────────────────────────


def _goes_with(shelved: Shelved, options: _Options) -> list[dict[str, Any]]:
    carts, rests = _halves(shelved, options)
    place = np.repeat(np.arange(len(rests)), [len(rest) for rest in rests])
    truth = np.concatenate(rests)
    lists = {
        "popular": np.stack([_without(shelved.shelf.by_popularity, cart) for cart in carts]),
        **_counted(shelved, carts),
        "similar": np.stack([_kind(shelved, SIMILAR, cart) for cart in carts]),
        GOES_WITH: np.stack([_kind(shelved, GOES_WITH, cart) for cart in carts]),
    }
    return _rows(lists, place, truth, GOES_WITH, options.seed, {"baskets": len(carts)})


def _halves(shelved: Shelved, options: _Options) -> tuple[list[Rows], list[Rows]]:
    """Per user one basket of two items or more after the split, drawn, in two halves, drawn; the cart the smaller."""
    draw = np.random.default_rng(options.seed)
    later = shelved.shop.data.doing([Action.PURCHASE]).since(shelved.at_us)
    end_us = shelved.at_us + round((shelved.shop.test_days or 28.0) * DAY_US)
    later = later.before(end_us)
    basket = basket_of(later, 1.0)
    baskets = [np.unique(items) for items in np.split(later.item, np.flatnonzero(np.diff(basket)) + 1)]
    owner = later.user[np.searchsorted(basket, np.arange(len(baskets)))]
    order = draw.permutation(len(baskets))
    chosen: dict[int, int] = {}
    for at in order.tolist():
        if len(baskets[at]) >= 2:
            chosen.setdefault(int(owner[at]), at)
    picked = list(chosen.values())[: options.users]
    mixed = [draw.permutation(baskets[at]).astype(np.int32) for at in picked]
    return [one[: len(one) // 2] for one in mixed], [one[len(one) // 2 :] for one in mixed]


def _counted(shelved: Shelved, carts: list[Rows]) -> dict[str, npt.NDArray[np.int32]]:
    """Co-popularity Σ n_ab / n_a; the plain lift Σ log n_ab·N / (n_a n_b) of pairs in five baskets or more."""
    baskets = basket_matrix(shelved.train, 1.0)
    counts = np.maximum(np.bincount(baskets.indices, minlength=shelved.train.n_items), 1)
    lists: dict[str, list[Rows]] = {"co-popular": [], "plain lift": []}
    columns = baskets.tocsc()
    for cart in carts:
        together = (columns[:, cart].T @ baskets).toarray()
        share = (together / counts[cart][:, None]).sum(axis=0)
        lift = together * baskets.shape[0] / (counts[cart][:, None] * counts[None, :])
        known = np.where(together >= SUPPORT, np.log(np.maximum(lift, 1.0)), 0.0).sum(axis=0)
        for name, scores in (("co-popular", share), ("plain lift", known)):
            scores[cart] = -np.inf
            lists[name].append(best(scores[None].astype(np.float32), K, shelved.shelf.popularity).items[0])
    return {name: np.stack(found) for name, found in lists.items()}


def _kind(shelved: Shelved, kind: str, cart: Rows) -> Rows:
    return shelved.rows(Query(kind=kind, cart=tuple(map(str, cart.tolist())), k=K))


def _without(ranked: Rows, cart: Rows) -> Rows:
    return ranked[~np.isin(ranked, cart)][:K]


# ── buy again, and for you ───────────────────────────────────────────────────────────────────────────────────────


def _split(shelved: Shelved, options: _Options) -> Baskets:
    shop = shelved.shop
    return split_baskets(
        shop.data,
        shelved.at_us,
        active_days=shop.active_days,
        test_days=shop.test_days,
        max_users=options.users,
        seed=options.seed,
    )


def _buy_again(shelved: Shelved, options: _Options) -> list[dict[str, Any]]:
    baskets = _split(shelved, options)
    asked = np.flatnonzero(np.isin(np.arange(len(baskets.users)), baskets.basket[baskets.again]) & baskets.measured)
    place = np.searchsorted(asked, baskets.basket)
    mine = baskets.again & np.isin(baskets.basket, asked)
    users = baskets.users[asked]
    lists = {
        "repeat": _own(Repeat(), shelved, users),
        "frequency": _own(Frequency(), shelved, users),
        BUY_AGAIN: np.stack(
            [shelved.rows(Query(user_id="u", kind=BUY_AGAIN), shelved.state(u)) for u in users.tolist()]
        ),
    }
    return _rows(lists, place[mine], baskets.item[mine], BUY_AGAIN, options.seed, {"users": len(asked)}, "repeat")


def _own(model: Model, shelved: Shelved, users: Rows) -> npt.NDArray[np.int32]:
    """The best of what each user has bought."""
    model.fit(shelved.train, at_us=shelved.at_us)
    bought = shelved.train.doing([Action.PURCHASE])
    lists = []
    for user in users.tolist():
        mine = np.zeros(shelved.train.n_items, dtype=np.bool_)
        mine[bought.of_users([user]).item] = True
        found = model.recommend(shelved.train, [user], K, at_us=shelved.at_us, allowed=mine)
        lists.append(found.items[0])
    return np.stack(lists)


def _for_you(shelved: Shelved, options: _Options) -> list[dict[str, Any]]:
    baskets = _split(shelved, options)
    asked = np.flatnonzero(baskets.measured)
    place, mine = np.searchsorted(asked, baskets.basket), np.isin(baskets.basket, asked)
    ways = {
        "bought shown": RankingOptions(bought_again=True),
        "bought as learned": RankingOptions(bought_again="learned"),
    }
    states = [shelved.state(user) for user in baskets.users[asked].tolist()]
    query = Query(user_id="u", kind=FOR_YOU)
    lists = {name: np.stack([shelved.rows(query, state, way) for state in states]) for name, way in ways.items()}
    ranked = shelved.ranked(options.seed)
    lists[RANKED] = np.stack([ranked.rows(query, state, RankingOptions()) for state in states])
    told = {"users": len(asked)}
    return _rows(lists, place[mine], baskets.item[mine], RANKED, options.seed, told, "bought as learned")


# ── bought again within some days ────────────────────────────────────────────────────────────────────────────────


def _again(shelved: Shelved, options: _Options) -> list[dict[str, Any]]:
    shop, days_us = shelved.shop, round(options.again_days * DAY_US)
    bought = shop.data.doing([Action.PURCHASE])
    cut_us = int(bought.at_us.max()) - 2 * days_us
    known = bought.before(cut_us)
    if not len(known):
        raise UsageError("The log is too short for again_days: it must be three times as long.")
    user, item, label = _firsts(bought, days_us, cut_us + days_us, cut_us)
    rhythm = Rhythm(policy_days=options.again_days).use_items(ItemFacts.of(known.n_items, facets=shop.facets))
    rhythm.fit(known, at_us=cut_us)
    ways = {
        "popularity of the item": np.bincount(known.item, minlength=known.n_items)[item].astype(np.float64),
        "plain share of the item": _plain_shares(known, cut_us, days_us)[item],
        "category": rhythm.again(item)[0],
        "category and item": rhythm.fitted["same_item"][item],
    }
    people, member = np.unique(user, return_inverse=True)
    draws = drawn_again(len(people), seed=options.seed, rounds=ROUNDS)[:, member]
    share = Interval(*[float(x) for x in _plain_interval(label, draws)])
    common = {"cases": len(item), "again": share.to_dict(), "seed": options.seed}
    rows = [{"model": name, **common, **_quality(scores, label, draws)} for name, scores in ways.items()]
    rows[-2]["by_category"] = _by_category(shop, item, ways["category"], label)
    return rows


def _by_category(shop: RealShop, item: Rows, said: Floats, label: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Per top category what was said to come again and what came, likeliest first; those of `FEWEST` cases or more."""
    top = next(facet for facet in shop.facets if facet.name == "category")
    codes = top.codes[item]
    rows = []
    for code in np.flatnonzero(np.bincount(codes[codes >= 0]) >= FEWEST).tolist():
        mine = codes == code
        facts = {"said": round(float(said[mine].mean()), 4), "came": round(float(label[mine].mean()), 4)}
        rows.append({"category": top.values[code], "cases": int(mine.sum()), **facts})
    return sorted(rows, key=lambda row: -float(str(row["said"])))


def _firsts(
    bought: Interactions, days_us: int, end_us: int, begin_us: int = 0
) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    """First purchases of a pair from `begin_us` to before `end_us`, and whether it followed again within `days_us`."""
    pairs = pairs_of(bought)
    starts = np.flatnonzero(pairs.fresh)
    member = np.cumsum(pairs.fresh) - 1
    since = pairs.at_us - pairs.at_us[starts][member]
    followed = np.bincount(member[(since >= DAY_US) & (since <= days_us)], minlength=len(starts)) > 0
    first = pairs.at_us[starts]
    held = (first >= begin_us) & (first < end_us)
    return pairs.user[starts][held], pairs.item[starts][held], followed[held]


def _plain_shares(known: Interactions, cut_us: int, days_us: int) -> Floats:
    """Per item the share of its first purchases that were followed; without any, the shop's."""
    _, item, label = _firsts(known, days_us, cut_us - days_us)
    cases = np.bincount(item, minlength=known.n_items)
    hits = np.bincount(item, weights=label, minlength=known.n_items)
    return np.where(cases > 0, hits / np.maximum(cases, 1), label.mean() if len(label) else 0.0)


def _quality(scores: Floats, label: npt.NDArray[np.bool_], draws: npt.NDArray[np.float32]) -> dict[str, Any]:
    """AUROC, and how many of the tenth that is likeliest by `scores` come again (ties by row)."""
    rounds = macro_aurocs(scores[:, None], label[:, None], draws)
    whole = macro_aurocs(scores[:, None], label[:, None], np.ones((1, len(label)), dtype=np.float32))
    top = np.argsort(-scores, kind="stable")[: max(len(scores) // 10, 1)]
    precise = Interval(*[float(x) for x in _plain_interval(label[top], draws[:, top])])
    return {"auroc": interval(float(whole[0]), rounds).to_dict(), "precision of the top tenth": precise.to_dict()}


def _plain_interval(label: npt.NDArray[np.bool_], draws: npt.NDArray[np.float32]) -> Iterator[float]:
    rounds = (draws @ label.astype(np.float32)) / np.maximum(draws.sum(axis=1), 1.0)
    yield float(label.mean())
    yield from np.percentile(rounds, [2.5, 97.5]).tolist()


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _rows(
    lists: Lists,
    place: Numbers,
    truth: Numbers,
    ours: str,
    seed: int,
    told: Mapping[str, int],
    beside: str = "co-popular",
) -> list[dict[str, Any]]:
    """Figures of each list of ten, and what `ours` has over `beside`, paired over users."""
    n = len(next(iter(lists.values())))
    relevant = np.bincount(place, minlength=n)
    figures: dict[str, dict[str, Floats]] = {}
    for name, items in lists.items():
        hits = hit_matrix(items, place, truth)
        figures[name] = {
            "recall@10": recall_at(hits, relevant, K),
            "precision@10": precision_at(hits, K),
            "ndcg@10": ndcg_at(hits, relevant, K),
        }
    rows = []
    for name, found in figures.items():
        row = {
            "model": name,
            **told,
            "seed": seed,
            **{f: bootstrap_mean(v, seed=seed).to_dict() for f, v in found.items()},
        }
        if name == ours:
            pairs = {f: paired_difference(v, figures[beside][f], seed=seed).to_dict() for f, v in found.items()}
            row["against"] = {"model": beside, **pairs}
        rows.append(row)
    return rows


_PARTS: Mapping[str, Part] = {GOES_WITH: _goes_with, BUY_AGAIN: _buy_again, FOR_YOU: _for_you, "again": _again}
