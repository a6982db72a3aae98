"""What each part of the behaviour model is worth: the same model without it, on the same users.

Two protocols: the next item of ordered histories, leave-one-out; and the next basket of a real shop, by time. What a
profile is worth without the aggregates is a question of its own: the study profile-value, rows vector and fused.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName, UsageError
from mien.core.ports import Progress, Silent
from mien.models.behaviour import SMALL, Behaviour
from mien.models.items import ItemFacts
from mien.studies.metrics import bootstrap_mean, paired_difference
from mien.studies.next_basket import basket_figures, baskets_of, real_shop
from mien.studies.ordered import LAST_US, ORDERED, SCHEMES, K, ndcg, ranks_of, read_world, recall

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
Floats = npt.NDArray[np.float64]
Measured = Callable[[Behaviour, int], dict[str, Floats]]


def study(
    source: str,
    *,
    variants: Sequence[str] = tuple(VARIANTS),
    seeds: Sequence[int] = (0,),
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """A row a variant, each with the paired difference to the full model; means over seeds, intervals over users.

    `source`: `s3rec:FILE` (next item), or `online_retail:FOLDER`, `retailrocket:FOLDER`, `completejourney` (next
    basket). `settings`: of the full model, over those it is served with. `seconds`: CPU seconds of a fit and its
    ranking. Raises `UnknownName`, `SourceError`, `UsageError`. Cost: a fit a variant and seed.
    """
    for name in variants:
        if name not in VARIANTS:
            raise UnknownName("variant", name, VARIANTS)
    if not seeds:
        raise UsageError("Name at least one seed.")
    base, facts, measured, about = _world(source, progress or Silent())
    base = {**base, **(settings or {})}
    asked = tuple(dict.fromkeys((FULL, *variants)))
    reasons = {name: _left_out(VARIANTS[name], base, facts) for name in asked if name != FULL}
    rows = [name for name in asked if not reasons.get(name)]
    found = {name: _runs({**base, **VARIANTS[name]}, measured, seeds) for name in rows}
    return {
        "study": NAME,
        "source": source,
        **about,
        "seeds": list(seeds),
        "settings": base,
        "left_out": {name: reason for name, reason in reasons.items() if reason},
        "models": [_row(name, found[name], found[FULL]) for name in rows],
    }


def _world(source: str, report: Progress) -> tuple[dict[str, Any], ItemFacts, Measured, dict[str, Any]]:
    """The full model's settings, what is known of items, how a model is fitted and measured, and what to say."""
    small = {**SMALL, "threads": 1}
    if source.partition(":")[0] in SCHEMES:
        world = read_world(source)

        def next_item(model: Behaviour, seed: int) -> dict[str, Floats]:
            model.use_items(world.facts).keep_in(None, report).fit(world.known, at_us=LAST_US, seed=seed)
            ranks = ranks_of(model, world, report)
            return {"ndcg": ndcg(ranks), "recall": recall(ranks)}

        about = {"protocol": "next item, leave-one-out", "users": len(world.users)}
        return {**small, **ORDERED}, world.facts, next_item, about
    shop = real_shop(source)
    baskets = baskets_of(shop, seed=0)
    facts = ItemFacts.of(shop.data.n_items, facets=shop.facets)

    def next_basket(model: Behaviour, seed: int) -> dict[str, Floats]:
        model.use_items(facts).keep_in(None, report).fit(baskets.train, at_us=baskets.at_us, seed=seed)
        told = basket_figures(model, baskets)
        return {"ndcg": told.ndcg, "recall": told.recall}

    return small, facts, next_basket, {"protocol": "next basket, by time", "users": int(baskets.measured.sum())}


def _left_out(changed: Mapping[str, Any], base: Mapping[str, Any], facts: ItemFacts) -> str:
    """Why a variant is no row here; empty: it is one."""
    plain = Behaviour(**base)
    if all(getattr(plain, name) == value for name, value in changed.items()):
        return "the full model is so"
    if facts.tags.shape[1] + facts.content.shape[1] == 0 and ("content" in changed or "ids" in changed):
        return "nothing is known of the items beside their ids"
    return ""


def _runs(settings: Mapping[str, Any], measured: Measured, seeds: Sequence[int]) -> dict[str, Any]:
    begun = time.process_time()
    models = [Behaviour(**settings) for _ in seeds]
    told = [measured(model, seed) for model, seed in zip(models, seeds, strict=True)]
    figures = {name: np.mean([one[name] for one in told], axis=0) for name in told[0]}
    seconds = (time.process_time() - begun) / len(seeds)
    return {"figures": figures, "seconds": round(seconds, 2), "verdict": models[0].curve.words("en")}


def _row(name: str, run: Mapping[str, Any], full: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"model": name}
    for measure, values in run["figures"].items():
        row[f"{measure}@{K}"] = bootstrap_mean(values).to_dict()
    if name != FULL:
        for measure, values in run["figures"].items():
            row[f"{measure} less full"] = paired_difference(values, full["figures"][measure]).to_dict()
    return {**row, "seconds": run["seconds"], "verdict": run["verdict"]}
