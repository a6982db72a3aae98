"""Transfer: what the behaviour model learns in one shop is worth in another, items being known by their words alone.

Without ids an item is its content vector, from one encoder for both shops. The model of the source shop is asked in the
target shop as it is (zero-shot) and after few epochs there, beside one that begins from nothing with as few epochs, and
one with all of them.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.collect.titled import read_titled
from mien.core.errors import UsageError
from mien.core.ports import Progress, Silent
from mien.models.behaviour import SMALL, Behaviour
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.texts import text_vectors
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.named import model_named
from mien.studies.baskets import Baskets
from mien.studies.metrics import bootstrap_mean, paired_difference
from mien.studies.next_basket import Found, K, basket_figures, baskets_of, real_shop
from mien.studies.ordered import ORDERED, World, behaviour_settings

NAME = "transfer"
HUMBLE = ("popular", "repeat")
ZERO, TUNED, SHORT, FULL = "zero-shot", "fine-tuned", "from nothing, same budget", "from nothing, full budget"
TITLED = "games"
"""The source whose histories know only order."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Both shops, their items described by one encoder. `source_learns`, `learns`: settings of the model in each."""

    source: Interactions
    source_facts: ItemFacts
    source_learns: dict[str, Any]
    baskets: Baskets
    facts: ItemFacts
    learns: dict[str, Any]


def study(
    source: str,
    target: str,
    *,
    encoder: str = "lexical",
    source_users: int = 10_000,
    epochs: int = 6,
    tune_epochs: int = 2,
    seeds: Sequence[int] = (0,),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Next basket in the target shop, by time: NDCG and recall at 10, means over seeds, intervals over users.

    `source`: `games:FOLDER` or a shop of `next_basket.real_shop`; `target`: such a shop, with words about its items.
    The encoder is fitted, where it is fitted at all, on the words of both catalogues. `source_users`: most users of the
    source shop, drawn at random. `tune_epochs`: of fine-tuning, and of its equal from nothing; `epochs`: of all other
    fits. `settings`: {"behaviour": …}, of every fit. `seconds`: CPU seconds of a fit and its ranking. Raises
    `UsageError` for a shop without words. Cost: four fits a seed.
    """
    if not seeds or tune_epochs < 1 or epochs < tune_epochs:
        raise UsageError("Name at least one seed, and epochs ≥ tune_epochs ≥ 1.")
    report = progress or Silent()
    pair = pair_of(source, target, encoder, source_users, behaviour_settings(settings), report)
    found: dict[str, list[tuple[Found, float]]] = {name: [_humble(name, pair)] for name in HUMBLE}
    for seed in seeds:
        for name, one in _run(pair, epochs, tune_epochs, seed, report).items():
            found.setdefault(name, []).append(one)
    return {
        "study": NAME,
        "source": source,
        "target": target,
        "encoder": encoder,
        "source_users": int(np.count_nonzero(np.diff(pair.source.offsets))),
        "users": int(pair.baskets.measured.sum()),
        "seeds": list(seeds),
        "epochs": epochs,
        "tune_epochs": tune_epochs,
        "models": [_row(name, runs, found) for name, runs in found.items()],
    }


def pair_of(
    source: str, target: str, encoder: str, source_users: int, settings: Mapping[str, Any], report: Progress
) -> Pair:
    """Read both shops and describe their items. Only what the source knows (time, actions) is read in both."""
    ordered = source.partition(":")[0] == TITLED
    data, texts = _source(source)
    shop = real_shop(target)
    for name, said in ((source, texts), (target, shop.texts)):
        if not any(said):
            raise UsageError("The items of {name} have no words, and words are all that two shops share.", name=name)
    vectors = _vectors([*texts, *shop.texts], encoder, report)
    common = {**SMALL, "threads": 1, "ids": False}
    if ordered:
        common |= {"time": False, "actions": False}
    return Pair(
        source=_some_users(data, source_users),
        source_facts=ItemFacts.of(len(texts), content=vectors[: len(texts)]),
        source_learns={**common, **(ORDERED if ordered else {}), **settings},
        baskets=baskets_of(shop, seed=0),
        facts=ItemFacts.of(len(shop.texts), content=vectors[len(texts) :]),
        learns={**common, **settings},
    )


def _source(source: str) -> tuple[Interactions, list[str]]:
    word, _, folder = source.partition(":")
    if word != TITLED:
        shop = real_shop(source)
        return shop.data, list(shop.texts)
    orders, titles = read_titled(Path(folder).expanduser())
    return World.of(orders).data, titles


def _some_users(data: Interactions, most: int) -> Interactions:
    if data.n_users <= most:
        return data
    return data.of_users(np.sort(np.random.default_rng(0).choice(data.n_users, most, replace=False)))


def _vectors(texts: list[str], encoder: str, report: Progress) -> npt.NDArray[np.float32]:
    made = encoder_named(ContentSettings(encoder=encoder, threads=1), texts=texts)
    return text_vectors(texts, made, progress=report)


def _run(pair: Pair, epochs: int, tune_epochs: int, seed: int, report: Progress) -> dict[str, tuple[Found, float]]:
    baskets, begun = pair.baskets, time.process_time()
    there = Behaviour(**{**pair.source_learns, "epochs": epochs}).use_items(pair.source_facts).keep_in(None, report)
    there.fit(pair.source, at_us=int(pair.source.at_us.max()), seed=seed)
    moved = there.moved_to(pair.facts)
    found = {ZERO: (basket_figures(moved, baskets), time.process_time() - begun)}
    for name, most, begin in ((TUNED, tune_epochs, moved), (SHORT, tune_epochs, None), (FULL, epochs, None)):
        begun = time.process_time()
        here = Behaviour(**{**pair.learns, "epochs": most}).use_items(pair.facts).keep_in(None, report)
        here.start_from(begin).fit(baskets.train, at_us=baskets.at_us, seed=seed)
        found[name] = (basket_figures(here, baskets), time.process_time() - begun)
    return found


def _humble(name: str, pair: Pair) -> tuple[Found, float]:
    begun = time.process_time()
    model = model_named(name)().fit(pair.baskets.train, at_us=pair.baskets.at_us)
    return basket_figures(model, pair.baskets), time.process_time() - begun


def _row(name: str, runs: list[tuple[Found, float]], found: Mapping[str, list[tuple[Found, float]]]) -> dict[str, Any]:
    row: dict[str, Any] = {"model": name}
    row[f"ndcg@{K}"] = bootstrap_mean(_mean(runs, "ndcg")).to_dict()
    row[f"recall@{K}"] = bootstrap_mean(_mean(runs, "recall")).to_dict()
    row[f"ndcg@{K} new to the user"] = bootstrap_mean(_mean(runs, "fresh")).to_dict()
    row["seconds"] = round(float(np.mean([seconds for _, seconds in runs])), 2)
    row["by_seed"] = [round(float(one.ndcg.mean()), 6) for one, _ in runs]
    other = {ZERO: "popular", TUNED: SHORT}.get(name)
    if other:
        gain = paired_difference(_mean(runs, "ndcg"), _mean(found[other], "ndcg"))
        row["against"] = {"model": other, f"ndcg@{K}": gain.to_dict()}
    return row


def _mean(runs: list[tuple[Found, float]], measure: str) -> npt.NDArray[np.float64]:
    return np.asarray(np.mean([getattr(one, measure) for one, _ in runs], axis=0))
