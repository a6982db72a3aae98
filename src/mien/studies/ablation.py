"""What each part of the behaviour model is worth: the same model without it, on the same users.

Two protocols: the next item of ordered histories, leave-one-out; and the next basket of a real shop, by time. What a
profile is worth without the aggregates is a question of its own: the study profile-value, rows vector and fused.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName, UsageError
from mien.core.ports import Progress, Silent
from mien.models.behaviour import SMALL, Behaviour
from mien.models.items import ItemFacts
from mien.studies.metrics import bootstrap_mean, paired_difference
from mien.studies.next_basket import basket_figures, baskets_of, real_shop
from mien.studies.ordered import (
    LAST_US,
    ORDERED,
    SCHEMES,
    K,
    behaviour_settings,
    disordered,
    ndcg,
    ranks_of,
    read_world,
    recall,
)

NAME = "ablation"
FULL = "full"
VARIANTS: dict[str, dict[str, Any]] = {
    FULL: {},
    "without content": {"content": False},
    "without ids": {"ids": False},
    "without time": {"time": False},
    "without actions": {"actions": False},
    "without the all-action loss": {"horizon_share": 0.0},
    "with the all-action loss": {"horizon_share": 0.5},
    "random start": {"start": "random"},
    "masked": {"objective": "masked"},
    "shuffled": {"shuffled": True},
}
"""Row → settings that differ from the full model's. A row that changes nothing there is left out, and said."""
DISORDER = "full, asked in disorder"
"""The full model, asked from histories whose acts are in random order: is the order read at all?"""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Protocol:
    """`fit(model, seed)`, then `ask(model, seed or None)`: figures a user, with a seed from disordered histories."""

    base: dict[str, Any]
    facts: ItemFacts
    about: dict[str, Any]
    fit: Callable[[Behaviour, int], object]
    ask: Callable[[Behaviour, int | None], dict[str, Floats]]


def study(
    source: str,
    *,
    variants: Sequence[str] = tuple(VARIANTS),
    seeds: Sequence[int] = (0,),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """A row a variant, each with the paired difference to the full model; means over seeds, intervals over users.

    `source`: `s3rec:FILE` (next item), or `online_retail:FOLDER`, `retailrocket:FOLDER`, `completejourney` (next
    basket). `settings`: {"behaviour": …}, of the full model, over those it is served with. `seconds`: CPU seconds of a
    fit and its ranking. `users_with_a_hit`: on how many users the figures rest; where they are a handful, and the same
    ones for two rows, the interval of the difference is narrow for want of cases, not for certainty. Raises
    `UnknownName`, `SourceError`, `UsageError`. Cost: a fit a variant and seed.
    """
    for name in variants:
        if name not in VARIANTS:
            raise UnknownName("variant", name, VARIANTS)
    if not seeds:
        raise UsageError("Name at least one seed.")
    protocol = _protocol(source, progress or Silent())
    base = {**protocol.base, **behaviour_settings(settings)}
    asked = tuple(dict.fromkeys((FULL, *variants)))
    reasons = {name: _left_out(VARIANTS[name], base, protocol.facts) for name in asked if name != FULL}
    rows = [name for name in asked if not reasons.get(name)]
    found: dict[str, dict[str, Any]] = {}
    for name in rows:
        found |= _runs(name, {**base, **VARIANTS[name]}, protocol, seeds)
    return {
        "study": NAME,
        "source": source,
        **protocol.about,
        "seeds": list(seeds),
        "settings": base,
        "left_out": {name: reason for name, reason in reasons.items() if reason},
        "models": [_row(name, found[name], found[FULL]) for name in found],
    }


def _protocol(source: str, report: Progress) -> _Protocol:
    if source.partition(":")[0] in SCHEMES:
        return _next_item(source, report)
    return _next_basket(source, report)


def _next_item(source: str, report: Progress) -> _Protocol:
    world = read_world(source)

    def ask(model: Behaviour, seed: int | None) -> dict[str, Floats]:
        histories = None if seed is None else disordered(world.known, seed)
        ranks = ranks_of(model, world, report, asked_from=histories)
        return {"ndcg": ndcg(ranks), "recall": recall(ranks)}

    def fit(model: Behaviour, seed: int) -> Behaviour:
        return model.use_items(world.facts).keep_in(None, report).fit(world.known, at_us=LAST_US, seed=seed)

    about = {"protocol": "next item, leave-one-out", "users": len(world.users)}
    return _Protocol({**SMALL, "threads": 1, **ORDERED}, world.facts, about, fit, ask)


def _next_basket(source: str, report: Progress) -> _Protocol:
    shop = real_shop(source)
    baskets = baskets_of(shop, seed=0)
    facts = ItemFacts.of(shop.data.n_items, facets=shop.facets)

    def ask(model: Behaviour, seed: int | None) -> dict[str, Floats]:
        histories = None if seed is None else disordered(baskets.train, seed)
        told = basket_figures(model, baskets, asked_from=histories)
        return {"ndcg": told.ndcg, "recall": told.recall}

    def fit(model: Behaviour, seed: int) -> Behaviour:
        return model.use_items(facts).keep_in(None, report).fit(baskets.train, at_us=baskets.at_us, seed=seed)

    about = {"protocol": "next basket, by time", "users": int(baskets.measured.sum())}
    return _Protocol({**SMALL, "threads": 1}, facts, about, fit, ask)


def _left_out(changed: Mapping[str, Any], base: Mapping[str, Any], facts: ItemFacts) -> str:
    """Why a variant is no row here; empty: it is one."""
    plain = Behaviour(**base)
    if all(getattr(plain, name) == value for name, value in changed.items()):
        return "the full model is so"
    if facts.tags.shape[1] + facts.content.shape[1] == 0 and ("content" in changed or "ids" in changed):
        return "nothing is known of the items beside their ids"
    return ""


def _runs(
    name: str, settings: Mapping[str, Any], protocol: _Protocol, seeds: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """The row of a variant; the full model is asked once more, in disorder."""
    told: dict[str, list[dict[str, Floats]]] = {}
    begun = time.process_time()
    for seed in seeds:
        model = Behaviour(**settings)
        protocol.fit(model, seed)
        told.setdefault(name, []).append(protocol.ask(model, None))
        if name == FULL:
            told.setdefault(DISORDER, []).append(protocol.ask(model, seed))
    seconds = round((time.process_time() - begun) / len(seeds), 2)
    means = {
        row: {measure: np.mean([one[measure] for one in runs], axis=0) for measure in runs[0]}
        for row, runs in told.items()
    }
    return {row: {"figures": figures, "seconds": seconds, "model": model} for row, figures in means.items()}


def _row(name: str, run: Mapping[str, Any], full: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"model": name, "users_with_a_hit": int((run["figures"]["recall"] > 0).sum())}
    for measure, values in run["figures"].items():
        row[f"{measure}@{K}"] = bootstrap_mean(values).to_dict()
    if name != FULL:
        for measure, values in run["figures"].items():
            row[f"{measure} less full"] = paired_difference(values, full["figures"][measure]).to_dict()
    if name == DISORDER:
        return row
    return {**row, "seconds": run["seconds"], "verdict": run["model"].curve.words("en")}
