"""Next item, leave-one-out: the figure that published sequence models are compared by, on ordered histories.

The last item of each user is the test, the one before it the validation. All items are ranked, those the user has met
are removed, ties stand against the model. Not a split by time: what others did after a user's test act is known here.
"""

import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.collect.orders import Orders, read_orders
from mien.core.clock import DAY_US
from mien.core.errors import SourceError, UnknownName, UsageError
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.models.behaviour import Behaviour
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model, chunks
from mien.models.named import model_named
from mien.models.ranked import Scores
from mien.studies.metrics import bootstrap_mean, paired_difference, rank_of

NAME = "next-item"
SCHEMES = ("s3rec",)
SPLITS = ("leave-one-out",)
DEFAULT_MODELS = ("popular", "item-neighbours", "ease", "als", "behaviour")
LAST_US = 1_000_000_000_000_000
"""When the last act of every user is taken to have happened; the one before it a day earlier, and so on."""
SHORTEST = 3
"""Acts a user needs to be tested: one to begin with, one to validate, one to test."""
K = 10
PROTOCOL = "all items ranked, met ones removed, ties pessimistic; fitted on all but the last two acts of a user"
TUNED: dict[str, dict[str, Any]] = {
    "item-neighbours": {"k": 1000, "half_life_days": 1.94, "shrinkage": 1e-9},
    "ease": {"ridge": 100.0, "memory_mb": 12 * 13_000**2 / 2**20, "half_life_days": 3.1},
    "als": {"factors": 256, "half_life_days": 1e6},
    "popular": {"window_days": 1e6},
    "behaviour": {"validation": "last", "hide_seen": True, "time": False, "actions": False},
}
"""Settings for histories that know only order, where a day is an act."""


def study(
    source: str,
    *,
    split: str = "leave-one-out",
    models: Sequence[str] = DEFAULT_MODELS,
    seeds: Sequence[int] = (0, 1, 2),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The JSON document of `mien study next-item`.

    `source`: `s3rec:FILE`. `settings`: model → settings where they differ from the study's. Models without chance in
    them are run once. `seconds` are CPU seconds of fitting and ranking, per seed. Raises `UnknownName` and
    `SourceError`.
    """
    if split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    if not models or not seeds:
        raise UsageError("Name at least one model and one seed.")
    chosen = {name: model_named(name) for name in models}
    orders = read_source(source)
    world = World.of(orders)
    report = progress or Silent()
    found = {name: _runs(kind, world, tuple(seeds), settings or {}, report) for name, kind in chosen.items()}
    return {
        "study": NAME,
        "source": source,
        "split": split,
        "protocol": PROTOCOL,
        "users": len(world.target),
        "items": world.data.n_items,
        "acts": len(orders.item),
        "attributes": int(orders.attributes.shape[1]),
        "models": [_row(name, runs, found) for name, runs in found.items()],
    }


def read_source(source: str) -> Orders:
    scheme, sign, path = source.partition(":")
    if not sign or scheme not in SCHEMES:
        raise SourceError(f"“{source}” is not a source of this study. Write it as s3rec:FILE, FILE one line a user.")
    return read_orders(Path(path).expanduser())


class World:
    """The histories as interactions, and who is tested on what. `users (n,)`: rows; `target (n,)`: their last items."""

    def __init__(self, data: Interactions, users: Rows, target: Rows, facts: ItemFacts) -> None:
        self.data, self.users, self.target, self.facts = data, users, target, facts

    @classmethod
    def of(cls, orders: Orders) -> "World":
        """Every user's last act happens at `LAST_US`, each one before it a day earlier: decay then counts acts."""
        ago = orders.lengths[orders.user] - 1 - orders.place
        data = Interactions.of(
            orders.user,
            orders.item,
            np.full(len(orders.user), ACTION_CODE[Action.PURCHASE]),
            LAST_US - ago * DAY_US,
            n_users=len(orders.user_ids),
            n_items=len(orders.item_ids),
        )
        users = np.flatnonzero(orders.lengths >= SHORTEST).astype(np.int32)
        if not len(users):
            raise SourceError(f"No user has {SHORTEST} items or more, so there is nothing to test on.")
        last = orders.item[ago == 0]
        content = np.zeros((data.n_items, 0), dtype=np.float32)
        return cls(data, users, last[users], ItemFacts(orders.attributes, content))

    @property
    def known(self) -> Interactions:
        """All but each tested user's last act: the history that the test is asked from."""
        return self.data.until(LAST_US - DAY_US)

    @property
    def train(self) -> Interactions:
        """All but each user's last two acts."""
        return self.data.until(LAST_US - 2 * DAY_US)


def _runs(
    kind: type[Model], world: World, seeds: Sequence[int], settings: Mapping[str, Mapping[str, Any]], report: Progress
) -> list[dict[str, Any]]:
    """One run a seed: ranks of the targets, seconds, notes."""
    drawn = kind.name in ("behaviour", "als")
    runs = []
    for seed in seeds if drawn else seeds[:1]:
        begun = time.process_time()
        model = kind(**{**TUNED.get(kind.name, {}), **settings.get(kind.name, {})})
        fitted = _fit(model, world, seed, report)
        ranks = _ranks(fitted, world, report)
        seconds = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        runs.append({"seed": seed, "ranks": ranks, "seconds": round(seconds, 2), "peak_mb": peak, "model": fitted})
    return runs


def _fit(model: Model, world: World, seed: int, report: Progress) -> Model:
    """All learn from the same acts: of what it is given, the behaviour model holds each user's last out to stop by."""
    model.use_items(world.facts).keep_in(None, report)
    if isinstance(model, Behaviour):
        return model.fit(world.known, at_us=LAST_US, seed=seed)
    return model.fit(world.train, at_us=LAST_US - 2 * DAY_US, seed=seed)


def _ranks(model: Model, world: World, report: Progress) -> npt.NDArray[np.int64]:
    known, ranks = world.known, []
    advance = report.step(f"rank with {model.name}", len(world.users))
    for part in chunks(len(world.users), world.data.n_items, block_bytes=32 << 20):
        users = world.users[part]
        scores: Scores = np.array(model.score(known, users, at_us=LAST_US - DAY_US))
        met = known.of_users(users)
        scores[met.user, met.item] = -np.inf
        ranks.append(rank_of(scores, world.target[part]))
        advance(len(users))
    return np.concatenate(ranks)


def _row(name: str, runs: list[dict[str, Any]], found: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    measures = {"recall": _recall, "ndcg": _ndcg}
    row: dict[str, Any] = {"model": name}
    for measure, of in measures.items():
        row[f"{measure}@{K}"] = round(float(np.mean([of(run["ranks"]).mean() for run in runs])), 6)
    row["seconds"] = round(float(np.mean([run["seconds"] for run in runs])), 2)
    row["seeds"] = [
        {
            "seed": run["seed"],
            **{f"{measure}@{K}": round(float(of(run["ranks"]).mean()), 6) for measure, of in measures.items()},
            "seconds": run["seconds"],
            "peak_mb": run["peak_mb"],
        }
        for run in runs
    ]
    row["interval"] = {f"{measure}@{K}": bootstrap_mean(_mean(of, runs)).to_dict() for measure, of in measures.items()}
    others = [other for other in found if other not in (name, "behaviour")]
    if name == "behaviour" and others:
        best = max(others, key=lambda other: float(_mean(_ndcg, found[other]).mean()))
        gain = paired_difference(_mean(_ndcg, runs), _mean(_ndcg, found[best]))
        row["against"] = {"model": best, f"ndcg@{K}": gain.to_dict()}
    model = runs[0]["model"]
    if isinstance(model, Behaviour):
        row["verdict"] = model.curve.words("en")
    if model.notes:
        row["notes"] = list(model.notes)
    return row


def _mean(of: Any, runs: list[dict[str, Any]]) -> npt.NDArray[np.float64]:
    """Per user, the mean over seeds."""
    return np.asarray(np.mean([of(run["ranks"]) for run in runs], axis=0))


def _recall(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return (ranks <= K).astype(np.float64)


def _ndcg(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.where(ranks <= K, 1.0 / np.log2(ranks + 1.0), 0.0)
