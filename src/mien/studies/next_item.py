"""Next item, leave-one-out: the figure that published sequence models are compared by, on ordered histories.

The last item of each user is the test, the one before it the validation. All items are ranked, those the user has met
are removed, ties stand against the model. Not a split by time: what others did after a user's test act is known here.
"""

import resource
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.errors import UnknownName, UsageError
from mien.core.ports import Progress, Silent
from mien.models.behaviour import Behaviour
from mien.models.model import Model
from mien.models.named import model_named
from mien.studies.metrics import bootstrap_mean, paired_difference
from mien.studies.ordered import LAST_US, TUNED, K, World, ndcg, ranks_of, read_world, recall

NAME = "next-item"
SPLITS = ("leave-one-out",)
DEFAULT_MODELS = ("popular", "item-neighbours", "ease", "als", "behaviour")
PROTOCOL = "all items ranked, met ones removed, ties pessimistic; fitted on all but the last two acts of a user"


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
    world = read_world(source)
    report = progress or Silent()
    found = {name: _runs(kind, world, tuple(seeds), settings or {}, report) for name, kind in chosen.items()}
    return {
        "study": NAME,
        "source": source,
        "split": split,
        "protocol": PROTOCOL,
        "users": len(world.target),
        "items": world.data.n_items,
        "acts": len(world.data),
        "attributes": int(world.facts.tags.shape[1]),
        "models": [_row(name, runs, found) for name, runs in found.items()],
    }


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
        ranks = ranks_of(fitted, world, report)
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


def _row(name: str, runs: list[dict[str, Any]], found: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    measures = {"recall": recall, "ndcg": ndcg}
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
        best = max(others, key=lambda other: float(_mean(ndcg, found[other]).mean()))
        gain = paired_difference(_mean(ndcg, runs), _mean(ndcg, found[best]))
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
