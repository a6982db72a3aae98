"""What a profile is worth: the protocol of the RecSys Challenge 2025 on real shops, cut by time.

Features before T; targets in [T, T + 14 days): churn of active users, conversion of all known ones, propensity to the
top categories and items of active ones. Training windows end at T and are stacked, 14 days apart. A vector is frozen:
fitted before the earliest window, the same at every cut. Beside each other always: RFM, repeat, EASE, hand-made
features, vectors alone, and all of it fused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.clock import DAY_US, from_us
from mien.core.errors import UnknownName, UsageError
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.models.behaviour import SMALL, Behaviour
from mien.models.heads.aggregates import aggregates, favourites
from mien.models.heads.cuts import Cut, buyers, cut_at, stacked
from mien.models.heads.fused import VectorMaker, VectorSource, svd_vectors, vector_names
from mien.models.heads.likeness import Context, Forward, Reader, tastes
from mien.models.heads.pairs import pair_features
from mien.models.heads.targets import LabelSet, anything, buys, category_labels, item_labels
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.studies import value_pairs, value_users
from mien.studies.value_pairs import PairWindow, pair_table
from mien.studies.value_rows import TargetTable
from mien.studies.value_users import UserWindow, user_table
from mien.testing.shops import RealShop, complete_journey, online_retail

SOURCES = ("completejourney", "online_retail")
TARGETS = ("churn", "conversion", "category", "item")
CALIBRATE = ("newest", "users")
DAYS = 14.0
SVD = "svd"
TASTE_WIDTH, EASE_WIDTH = 400, 1200
"""How many of the most bought values the forward regression and EASE look at."""
FORWARD_CUTS = 3
SCORES = ("ease", "ease.late", "ease.long", "neighbours", "forward")
"""Scores of labels from what others did, fitted anew before every cut; `fused` reads them, `hand-made` does not."""


@dataclass(frozen=True, eq=False)
class _World:
    """The shop with its cuts, test first, and the frozen vectors by name."""

    shop: RealShop
    cuts: tuple[Cut, ...]
    vectors: dict[str, VectorSource]
    seed: int

    @property
    def early_us(self) -> int:
        """Before this, whatever is frozen was learnt: the earliest window that any score is fitted on."""
        return earliest_us(self.cuts)


def study(
    *,
    source: str,
    targets: tuple[str, ...] = TARGETS,
    models: tuple[str, ...] = (),
    vectors: Mapping[str, VectorMaker] | None = None,
    stacks: int = 6,
    seeds: int = 3,
    seed: int = 0,
    rows: int = 200_000,
    rounds: int = 500,
    calibrate: str = "newest",
    at_us: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The table of every target, JSON-ready: each model with AUROC and interval, ECE, Brier, and how far it is below.

    `source`: `completejourney` or `online_retail:FOLDER`. `models`: names of models whose vectors of users take part
    (behaviour). `vectors`: further frozen vectors by name; each adds the rows `vector <name>` and `fused <name>`.
    `stacks`: training windows. `rows`: pairs to learn from. `rounds`: of the bootstrap over users. `calibrate`: churn
    and conversion on the `newest` window, or on a fifth of the `users` in all. `at_us`: another T than the shop's own,
    for tuning. Raises `UnknownName`, `UsageError`.
    Cost: minutes, one thread.
    """
    for name in targets:
        if name not in TARGETS:
            raise UnknownName("target", name, TARGETS)
    if calibrate not in CALIBRATE:
        raise UnknownName("way to calibrate", calibrate, CALIBRATE)
    shop, progress = shop_named(source), progress or Silent()
    at_us = shop.at_us if at_us is None else at_us
    cuts = (cut_at(at_us, DAYS), *stacked(at_us, days=DAYS, stacks=stacks))
    makers = {SVD: svd_vectors, **{name: _maker(name, shop) for name in models}, **(vectors or {})}
    advance = progress.step("profile value", len(makers) + len(targets))
    frozen = {}
    for name, make in makers.items():
        frozen[name] = make(shop.data, earliest_us(cuts), seed)
        advance(1)
    world = _World(shop, cuts, frozen, seed)
    chosen = tuple(range(seed, seed + seeds))
    tables = []
    users = _user_windows(world) if {"churn", "conversion"} & set(targets) else []
    for name in targets:
        if name in ("churn", "conversion"):
            table = _of_users(world, name, users, chosen, calibrate)
        else:
            table = _of_pairs(world, name, chosen, rows)
        tables.append(table.to_dict(ours="fused", seed=seed, rounds=rounds))
        advance(1)
    return {
        "study": "profile-value",
        "shop": shop.name,
        "at": from_us(at_us).isoformat().replace("+00:00", "Z"),
        "days": DAYS,
        "active_days": shop.active_days,
        "stacks": stacks,
        "seed": seed,
        "seeds": seeds,
        "calibrate": calibrate,
        "targets": tables,
    }


def _maker(name: str, shop: RealShop) -> VectorMaker:
    """The frozen vectors of a model, trained as `mien train` does it."""
    if name != Behaviour.name:
        raise UnknownName("model with vectors of users", name, (Behaviour.name,))

    def make(data: Interactions, at_us: int, seed: int) -> VectorSource:
        facts = ItemFacts.of(data.n_items, facets=shop.facets)
        return Behaviour(**SMALL).use_items(facts).fit(data.before(at_us), at_us=at_us, seed=seed).source()

    return make


def shop_named(source: str) -> RealShop:
    """The shop of a source. Raises `UnknownName` for another word, `UsageError` where a folder is missing."""
    word, _, folder = source.partition(":")
    if word not in SOURCES:
        raise UnknownName("source of profile-value", word, SOURCES)
    if word == "completejourney":
        return complete_journey()
    if not folder:
        raise UsageError("Say where the data lies: online_retail:FOLDER, the folder that holds online_retail/.")
    return online_retail(Path(folder))


def earliest_us(cuts: tuple[Cut, ...]) -> int:
    """The earliest moment whose targets teach anything: the regressions look `FORWARD_CUTS` windows further back."""
    return cuts[-1].at_us - round(FORWARD_CUTS * DAYS * DAY_US)


def _user_windows(world: _World) -> list[UserWindow]:
    """The windows of churn and conversion, test first: all known users, aggregates, EASE's sum and the vectors."""
    data, labels = world.shop.data, _labels(world, "category")
    context = Context.of(data, labels, world.early_us, width=EASE_WIDTH)
    comes = {
        name: Forward(data, anything(data), _reader(world, source), None, DAYS, FORWARD_CUTS, 0.1)
        for name, source in world.vectors.items()
    }
    facets, newest = world.shop.facets[:1], world.cuts[1]
    chosen = favourites(newest.past(data), newest.at_us, facets)
    windows: list[UserWindow] = []
    for cut in world.cuts:
        past = cut.past(data)
        matrix = aggregates(past, cut.at_us, facets=facets, chosen=chosen)
        liked = context.ease(cut.at_us, matrix.users).sum(axis=1, keepdims=True, dtype=np.float64)
        matrix = matrix.beside(("ease.sum",), liked)
        for name, source in world.vectors.items():
            matrix = matrix.beside((f"{name}:score",), comes[name].scores(matrix.users, cut.at_us).astype(np.float64))
            told = source(past, matrix.users, cut.at_us)
            matrix = matrix.beside(_vector_columns(name, told.shape[1]), told.astype(np.float64))
        names = windows[0].matrix.names if windows else matrix.names
        matrix = matrix.only(names, absent=0.0)  # a transition that nobody made
        windows.append(UserWindow(cut, matrix, buys(data, cut)[matrix.users].astype(np.float64)))
    return windows


def _vector_columns(name: str, dim: int) -> tuple[str, ...]:
    return tuple(f"{name}:{column}" for column in vector_names(dim))


def _of_users(
    world: _World, target: str, windows: list[UserWindow], seeds: tuple[int, ...], calibrate: str
) -> TargetTable:
    if target == "churn":
        active = [buyers(world.shop.data, window.cut.at_us, world.shop.active_days) for window in windows]
        windows = [window.of(users) for window, users in zip(windows, active, strict=True)]
    names = windows[0].matrix.names
    made = tuple(name for name in names if ":" not in name and name != "ease.sum")
    own = {name: tuple(one for one in names if one.startswith(f"{name}:")) for name in world.vectors}
    sets = {"rfm": value_users.RFM, "repeat": value_users.REPEAT, "ease": ("ease.sum",), "hand-made": made}
    sets |= {f"vector {name}": columns for name, columns in own.items()}
    # The score alone: on some thousand rows the numbers of a vector themselves cost trees more than they tell.
    sets["fused"] = (*made, "ease.sum", f"{SVD}:score")
    sets |= {f"fused {name}": (*sets["fused"], f"{name}:score") for name in own if name != SVD}
    churn = target == "churn"
    return user_table(target, windows[0], windows[1:], sets, churn=churn, seeds=seeds, calibrate=calibrate)


def _labels(world: _World, kind: str) -> LabelSet:
    make = category_labels if kind == "category" else item_labels
    return make(world.shop.data, world.shop.facets, world.cuts[0].at_us, top=100, days=DAYS)


def _of_pairs(world: _World, target: str, seeds: tuple[int, ...], rows: int) -> TargetTable:
    labels, data, active = _labels(world, target), world.shop.data, world.shop.active_days
    wide = Context.of(data, labels, world.early_us, width=EASE_WIDTH)
    narrow = Context.of(data, labels, world.early_us, width=TASTE_WIDTH)
    forward = {"forward": Forward(data, labels, tastes(narrow), active, DAYS, FORWARD_CUTS, 3.0)}
    for name, source in world.vectors.items():
        forward[f"vector {name}"] = Forward(data, labels, _reader(world, source), active, DAYS, FORWARD_CUTS, 0.1)
    windows = []
    for cut in world.cuts:
        users = buyers(data, cut.at_us, active)
        scores = {"ease": wide.ease(cut.at_us, users), "neighbours": wide.neighbours(cut.at_us, users)}
        scores |= {"ease.late": wide.ease(cut.at_us, users, half_life_days=30.0)}
        scores |= {"ease.long": wide.ease(cut.at_us, users, half_life_days=400.0, ridge=300.0)}
        scores |= {name: model.scores(users, cut.at_us) for name, model in forward.items()}
        pairs = pair_features(cut.past(data), labels, users, cut.at_us, scores)
        windows.append(PairWindow(pairs, labels.bought(data, cut)[users]))
    sets = _pair_sets(windows[0].pairs.names, tuple(world.vectors))
    return pair_table(target, windows[0], windows[1:], sets, seeds=seeds, rows=rows)


def _pair_sets(names: tuple[str, ...], vectors: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    learnt = (*SCORES, *(f"vector {name}" for name in vectors))
    made = tuple(name for name in names if name not in learnt)
    sets = {"rfm": value_pairs.RFM, "repeat": (value_pairs.REPEAT,), "ease": ("ease",), "hand-made": made}
    sets |= {f"vector {name}": (f"vector {name}",) for name in vectors}
    sets["fused"] = (*made, *SCORES, f"vector {SVD}")
    sets |= {f"fused {name}": (*sets["fused"], f"vector {name}") for name in vectors if name != SVD}
    return sets


def _reader(world: _World, source: VectorSource) -> Reader:
    data = world.shop.data

    def read(users: Rows, at_us: int) -> Any:
        return source(data.before(at_us), users, at_us)

    return read
