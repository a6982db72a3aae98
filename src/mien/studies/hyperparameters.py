"""A search for settings of the behaviour model by what was held out for validation; no test act is ever looked at.

Optuna proposes (a tree-structured Parzen estimator: Bergstra, Bardenet, Bengio, Kégl, NeurIPS 2011), gives up early on
trials that lag behind the median of the others at the same epoch, and keeps a journal, so that a search goes on where
it was stopped or killed. All trials draw the same chance: they differ by their settings alone.
"""

import datetime
import fcntl
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.core.errors import MienError, MissingExtra, NotReady, UnknownName, UsageError, WorkspaceError
from mien.core.extras import require
from mien.core.phrase import Phrase
from mien.core.ports import Progress, Silent
from mien.models.behaviour import Behaviour
from mien.models.behaviour.curve import Curve, Point
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.stores.durable import write_whole
from mien.studies.ordered import LAST_US, ORDERED, read_world
from mien.studies.recipes import write_recipe
from mien.studies.space import SPACE, Span, space_of

NAME = "hyper-parameters"
JOURNAL, TRIALS, RECIPE = "journal.log", "trials.json", "recipe.toml"
RANDOM_TRIALS = 8
"""Trials drawn at random before any is judged by the others, and none of them given up early."""


def study(
    source: str,
    *,
    folder: str = "hyper-parameters",
    trials: int = 20,
    minutes: float = 60.0,
    date: datetime.date | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Try up to `trials` settings in all, or as many as begin within `minutes`; the JSON document of the search.

    `source`: `s3rec:FILE`; each user's last act is left out as the test of `next-item`, the one before it validates.
    `folder`: keeps the journal, `trials.json` and the winner as `recipe.toml`; a later run there goes on, and the
    trial that a kill interrupted is taken up again. `date`: of the run, written into the recipe. `settings`: `space`,
    setting → what may be tried (`studies.space`; an empty list: not that one), and `behaviour`, setting → fixed value.
    Raises `UnknownName`, `UsageError`, `SourceError`, `NotReady` where nothing is left to validate on, and
    `WorkspaceError` where another search is at work there.
    Cost: `trials` trainings, less what is given up early.
    """
    given = settings or {}
    for part in given:
        if part not in ("space", "behaviour"):
            raise UnknownName("part of the settings", part, ("space", "behaviour"))
    if trials < 1 or minutes <= 0:
        raise UsageError("A search needs at least one trial and some minutes.")
    fixed = {**ORDERED, **given.get("behaviour", {})}
    space = space_of(given.get("space", {}), fixed)
    world = read_world(source)
    place = Path(folder).expanduser()
    with _only_one(place):
        search = Search(place, world.known, world.facts, fixed, space, seed, progress or Silent())
        search.say(source)
        search.go(trials, minutes)
        told = {"source": source, "seed": seed, "trials": trials}
        return told_of(search, told, [f"Date: {date or 'not given'}", f"Command: {_command(told, given)}"])


class Search:
    """One search in `folder`: what is learnt from, what is fixed, what is tried."""

    def __init__(
        self,
        folder: Path,
        data: Interactions,
        facts: ItemFacts,
        fixed: Mapping[str, Any],
        space: Mapping[str, Span],
        seed: int,
        progress: Progress,
    ) -> None:
        self.optuna = require("models", "optuna")
        self.optuna.logging.set_verbosity(self.optuna.logging.WARNING)
        self.folder, self.data, self.facts, self.fixed = folder, data, facts, fixed
        self.space, self.seed, self.progress = space, seed, progress
        self.kept = self._opened()

    def _opened(self) -> Any:
        _mend(self.folder / JOURNAL)
        backend = self.optuna.storages.journal.JournalFileBackend(str(self.folder / JOURNAL))
        storage = self.optuna.storages.JournalStorage(backend)
        return self.optuna.create_study(
            study_name=NAME,
            storage=storage,
            load_if_exists=True,
            direction="maximize",
            pruner=self.optuna.pruners.MedianPruner(RANDOM_TRIALS, n_warmup_steps=1),
        )

    def say(self, source: str) -> None:
        """Write down what is searched; raises `UsageError` where the folder holds another search."""
        told = {"source": source, "seed": self.seed, "fixed": dict(self.fixed)}
        told["space"] = {name: span.to_dict() for name, span in self.space.items()}
        before = self.kept.user_attrs.get("search")
        if before is None:
            self.kept.set_user_attr("search", told)
        elif before != json.loads(json.dumps(told)):
            differ = sorted(key for key in told if before.get(key) != json.loads(json.dumps(told[key])))
            raise UsageError(
                "{folder} holds a search of another {differ: and }. Name another folder, or search with what "
                "it was begun with.",
                folder=self.folder,
                differ=differ,
            )

    def go(self, trials: int, minutes: float) -> None:
        """Run what is left of the trials, as long as there is time to begin one."""
        self._take_up()
        ends = time.monotonic() + 60 * minutes
        done = self.progress.step(NAME, trials)
        done(min(trials, self._finished()))
        while self._finished() < trials and time.monotonic() < ends:
            self._trial()
            self.write()
            done(1)

    def _finished(self) -> int:
        ended = (self._state.COMPLETE, self._state.PRUNED)
        return sum(trial.state in ended for trial in self.kept.get_trials(deepcopy=False))

    @property
    def _state(self) -> Any:
        return self.optuna.trial.TrialState

    def _take_up(self) -> None:
        """A trial that still runs was killed: it is over, and its settings are the next to be tried."""
        for trial in self.kept.get_trials(deepcopy=False, states=(self._state.RUNNING,)):
            self.kept.tell(trial.number, state=self._state.FAIL)
            if trial.params.keys() == self.space.keys():
                self.kept.enqueue_trial(trial.params)

    def _trial(self) -> None:
        begun = time.process_time()
        # What is drawn depends on the trial's number: a search that goes on draws none anew.
        number = len(self.kept.get_trials(deepcopy=False))
        self.kept.sampler = self.optuna.samplers.TPESampler(seed=self.seed + number, n_startup_trials=RANDOM_TRIALS)
        trial = self.kept.ask()
        chosen = {name: span.suggest(trial, name) for name, span in self.space.items()}
        try:
            curve = self._trained(trial, chosen)
        except (NotReady, MissingExtra):
            raise
        except MienError as failed:  # settings that contradict each other, diverge, or need more memory than there is
            trial.set_user_attr("failure", str(failed))
            self.kept.tell(trial, state=self._state.PRUNED)
            return
        trial.set_user_attr("seconds", round(time.process_time() - begun, 2))
        trial.set_user_attr("epochs", curve.best + 1)
        best = next(point.ndcg for point in curve.points if point.epoch == curve.best)
        if trial.user_attrs.get("given up"):
            self.kept.tell(trial, state=self._state.PRUNED)
        else:
            self.kept.tell(trial, best)

    def _trained(self, trial: Any, chosen: Mapping[str, Any]) -> Curve:
        """Train by these settings; a trial taken up again goes on from its checkpoint."""

        def watch(point: Point) -> bool:
            if point.ndcg is None:
                return False
            trial.report(point.ndcg, point.epoch)
            self.progress.note(f"trial {trial.number + 1}, epoch {point.epoch + 1}, NDCG@10 {point.ndcg:.4f}")
            given_up = bool(trial.should_prune())
            if given_up:
                trial.set_user_attr("given up", True)
            return given_up

        model = Behaviour(**{**self.fixed, **chosen}).use_items(self.facts)
        model.keep_in(self.folder).watched_by(watch).fit(self.data, at_us=LAST_US, seed=self.seed)
        (self.folder / "behaviour.checkpoint").unlink(missing_ok=True)
        if not model.curve.points or model.curve.points[0].ndcg is None:
            why = model.notes[0] if model.notes else Phrase("validation is off, or nothing was left to validate on")
            raise NotReady("There is nothing to choose settings by: {why}.", why=why)
        return model.curve

    def rows(self) -> list[dict[str, Any]]:
        """The trials: number, settings, value (the best validation NDCG@10 that was seen), seconds, state."""
        return [
            {
                "model": f"trial {trial.number}",
                "number": trial.number,
                "settings": trial.params,
                "value": trial.value
                if trial.value is not None
                else max(trial.intermediate_values.values(), default=None),
                "epochs": trial.user_attrs.get("epochs"),
                "seconds": trial.user_attrs.get("seconds"),
                "state": trial.state.name.lower(),
                "notes": [trial.user_attrs["failure"]] if "failure" in trial.user_attrs else [],
            }
            for trial in self.kept.get_trials(deepcopy=False)
            if trial.state is not self._state.WAITING
        ]

    def write(self) -> None:
        """The trials as JSON, beside the journal."""
        write_whole(self.folder / TRIALS, json.dumps(self.rows(), ensure_ascii=False, indent=2))


def told_of(search: Search, told: Mapping[str, Any], comment: list[str]) -> dict[str, Any]:
    """Write trials and winner; the document. `told`: what the search was asked for, `comment`: date and command."""
    search.write()
    rows = search.rows()
    document: dict[str, Any] = {"study": NAME, "measure": "validation NDCG@10", **told, "best": None, "recipe": None}
    document |= {"fixed": dict(search.fixed), "space": {name: span.to_dict() for name, span in search.space.items()}}
    document["models"] = rows
    done = [row for row in rows if row["state"] == "complete"]
    if not done:
        return document
    best = max(done, key=lambda row: (row["value"], -row["number"]))
    result = (
        f"Result: validation NDCG@10 {best['value']:.4f}, trial {best['number']} of {len(rows)}. The best of many "
        "flatters; what it is worth, a test says that took no part in the search."
    )
    write_recipe(search.folder / RECIPE, [*comment, result], {"behaviour": {**search.fixed, **best["settings"]}})
    return document | {"best": best, "recipe": str(search.folder / RECIPE)}


def _command(told: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> str:
    """The command that repeats the search."""
    options = {"trials": told["trials"], "seed": told["seed"]}
    options |= {f"{part}.{name}": json.dumps(value) for part, chosen in given.items() for name, value in chosen.items()}
    words = [f"--set {shlex.quote(f'{name}={value}')}" for name, value in options.items()]
    return " ".join([f"mien study {NAME} --source {shlex.quote(told['source'])}", *words])


def _mend(journal: Path) -> None:
    """Take away what a kill can leave: half a line at the end of the journal, and its lock."""
    Path(f"{journal}.lock").unlink(missing_ok=True)
    if journal.exists():
        content = journal.read_bytes()
        if not content.endswith(b"\n"):
            write_whole(journal, content[: content.rfind(b"\n") + 1])


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: trials of a search that is at work are not to be taken for killed ones."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError(
                "Another search is at work in {folder}. Wait for it, or name another folder.", folder=folder
            ) from None
        yield
    finally:
        os.close(handle)


__all__ = ["NAME", "SPACE", "study"]
