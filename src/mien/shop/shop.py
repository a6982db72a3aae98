"""The shop: one workspace, and all that can be done with it. Every command and every route calls one of its methods."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mien.collect.mapping import Kind
from mien.collect.source import CollectOptions
from mien.core.clock import to_us
from mien.core.errors import UsageError
from mien.core.ports import Progress, Silent
from mien.models.behaviour.together import process_rank
from mien.prepare.judgement import Judgement
from mien.profiles.wording import Language
from mien.settings import ShopSettings, template
from mien.shop import building
from mien.shop.asking import Asking
from mien.shop.backing import back_up
from mien.shop.building import BuildReport, interactions, judged_log
from mien.shop.consenting import keep_consents, told_consents, words_of
from mien.shop.current import put_items
from mien.shop.folding import TailFold
from mien.shop.forgetting import erase, export, finish_erasures
from mien.shop.holding import held, hold, release
from mien.shop.ingest import IngestReport, Intake, united
from mien.shop.letters import chosen, dead_letters, mend, replay_messages, replay_rows
from mien.shop.opened import HERE, Clock, utc_now
from mien.shop.reports import report_page
from mien.shop.retraining import overdue, to_retrain, trained_anew
from mien.shop.runs import keep_run
from mien.shop.serving import current
from mien.shop.sweeping import sweep
from mien.shop.training import TrainRecipe, train
from mien.shop.workspace import Build, Workspace
from mien.studies.evaluate import DEFAULT_MODELS, evaluate


class Shop(Asking):
    """An opened workspace. May be used by several threads for questions, by one for everything else."""

    # -- while nobody waits -----------------------------------------------------------------------------------

    def ingest(
        self,
        events: object = None,
        items: object = None,
        users: object = None,
        *,
        mapping: Path | str | None = None,
        shift_to: datetime | None = None,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Take in what is new of these sources; the same data twice changes nothing.

        A source: a path, folder, glob, database URL, `dataset:NAME`, or a pandas, polars or Arrow table.
        `mapping`: how to read the columns, for the one source given. `shift_to`: move events by whole weeks to end
        not later than this. Raises `SourceError` for what cannot be read, `MappingNeeded` where columns are
        ambiguous; then nothing of that source was taken.
        """
        given = {"items": items, "users": users, "events": events}
        sources = [(kind, source) for kind, source in given.items() if source is not None]
        if not sources:
            raise UsageError("Name at least one source: events, items or users.")
        if mapping is not None and len(sources) > 1:
            raise UsageError("A mapping is for one source. Take in events, items and users one after the other.")
        file = None if mapping is None else Path(mapping)
        with self.workspace.writing():
            self.stock.history.recover()
            finish_erasures(self.stock)
            intake = self._intake(shift_to)
            return united([intake.take(kind, source, file, progress or Silent()) for kind, source in sources])

    def _intake(self, shift_to: datetime | None = None) -> Intake:
        engine, stock = self.settings.engine, self.stock
        options = CollectOptions(
            zone=self.settings.shop.zone,
            domain=self.settings.shop.domain,
            shift_to=shift_to,
            memory_limit=f"{engine.memory_mb}MB",
            threads=engine.cores,
        )
        return Intake(
            self.workspace, stock.catalog, stock.history, stock.items, options, to_us(self.clock()), self.cleaner
        )

    def build(
        self, as_of: datetime | None = None, engine: str = "duckdb", progress: Progress | None = None
    ) -> BuildReport:
        """Prepare, fold, fit the population, index. With `as_of` the workspace then stands as of that time."""
        with self.workspace.writing():
            finish_erasures(self.stock)
            sweep(self.stock, to_us(self.clock()))
            report = building.build(
                self.stock,
                as_of_us=None if as_of is None else to_us(as_of),
                engine=engine,
                now_us=to_us(self.clock()),
                progress=progress or Silent(),
            )
        self._changed()
        return report

    def train(
        self,
        recipe: Path | str | None = None,
        *,
        judgements: Path | str | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Train models on everything up to the build's time and keep them in `models/`; see `shop.training`.

        `recipe`: TOML, `[models.ease]` and so on with settings, `heads`, `reviews`; None: all that is installed, small
        enough for two cores. `judgements`: a CSV file (query, item_id or title, relevance) that the search learns from,
        too; None: the workspace's own, where there is one. Interrupted, it goes on from its checkpoint. Several
        processes: `torchrun -m mien train`.
        """
        chosen = TrainRecipe.default() if recipe is None else TrainRecipe.read(Path(recipe))
        build = current(self.stock)
        build = replace(build, as_of_us=self.stock.reach_us(build))
        with self._training():
            given = None if judgements is None else Path(judgements)
            trained = train(self.stock, build, chosen, judgements=given, seed=seed, progress=progress)
        self._changed()
        return trained

    @contextmanager
    def _training(self) -> Iterator[None]:
        if not self.speaks:
            yield
            return
        with self.workspace.writing(), trained_anew(self.stock):
            yield

    @property
    def speaks(self) -> bool:
        """Whether this process writes and tells: of those that `torchrun` started together only the first one does."""
        return process_rank() == 0

    def evaluate(
        self,
        at: datetime | None = None,
        models: tuple[str, ...] | None = None,
        *,
        progress: Progress | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """The honest table as JSON-ready values: train before `at`, test on what came after. Kept in `reports/`.

        `at`: None is 14 days before the end. `options`: those of `studies.evaluate.evaluate`.
        """
        build = current(self.stock)
        judgement = self._judgement(build)
        data = interactions(self.stock, judged_log(self.stock, self.stock.reach_us(build), judgement))
        at_us = None if at is None else to_us(at)
        found = evaluate(
            data,
            at_us,
            models=models or DEFAULT_MODELS,
            facets=self._served(None).yardstick.facets,
            progress=progress or Silent(),
            **options,
        ).to_dict()
        keep_run(self.workspace, build, found, to_us(self.clock()))
        return found

    def _judgement(self, build: Build) -> Judgement:
        return Judgement.from_dict(self.stock.population(build.population).judgement)

    def report(self, of: str, *, language: Language | None = None, segment: bool = False, by: str = HERE) -> str:
        """All that is known of a user, or of a saved segment, as one HTML page that stands by itself.

        `language`: None is the shop's. `segment`: also where a user has that id. `UnknownName` where neither is known.
        """
        page = report_page(self, of, language, segment=segment)
        person = not segment and self.stock.catalog.users.row(of) is not None
        self.note("report.write", of if person else None, by=by)
        return page

    def dead_letters(self, limit: int | None = None) -> dict[str, Any]:
        """How many rows could not be used for which reason, and the newest of them."""
        return dead_letters(self.stock.catalog, limit)

    def export(self, user: str, *, by: str = HERE) -> dict[str, Any]:
        """Everything kept about a user. `UnknownName` for an id never seen."""
        self._row(user)
        self.note("profile.export", user, by=by)
        serving = self._served(None)
        found = export(serving, user, self._row(user), self._at(None, serving))
        entries = [entry for one in found["ids"] for entry in self.audit.entries(user_id=one)]
        return found | {"audit": sorted(entries, key=lambda entry: entry["seq"])}

    def consents(self, user: str) -> dict[str, Any]:
        """What a user lets be done: the newest words, what they allow, and every word with its time and source."""
        return told_consents(self.stock, user, self._row(user))

    # -- changing what is kept --------------------------------------------------------------------------------

    def mend(self, letter: int, row: Mapping[str, Any], *, by: str = HERE) -> dict[str, Any]:
        """Put a mended row or message in place of what a dead letter holds; the letter as it is now."""
        with self.workspace.writing():
            mended = mend(self.stock.catalog, letter, dict(row), to_us(self.clock()), self.cleaner)
        self.note("mend", by=by, letter=letter)
        return mended

    def replay(self, letters: Iterable[int] | None = None, *, by: str = HERE) -> dict[str, Any]:
        """Read dead letters again (None: all), rows with today's mappings; those that can be used now leave the list.

        Replayed twice, or while their senders send them again, they count once.
        """
        with self.workspace.writing():
            intake, catalog = self._intake(), self.stock.catalog
            given = chosen(catalog, letters)

            def take(kind: Kind, file: Path, mapping: Path) -> IngestReport:
                return intake.take(kind, str(file), mapping, Silent())

            messages, new = replay_messages(self.stock, given, to_us(self.clock()), self.cleaner)
            rows, accepted = replay_rows(self.workspace, catalog, given, take)
        TailFold(self.stock).catch_up()
        self.note("replay", by=by, letters=messages + rows)
        told = {"replayed": messages + rows, "accepted": new + accepted, "kept": len(given) - messages - rows}
        return told | dead_letters(catalog, 20)

    def consent(
        self,
        user: str,
        purposes: Mapping[str, bool],
        *,
        at: datetime | None = None,
        source: str = "shop",
        by: str = HERE,
    ) -> dict[str, Any]:
        """Keep what a user said of some purposes (`core.consent.PURPOSES`, or others by name); returns `consents`.

        It holds for every id of the person, from `at` on (None: now). A user never seen is remembered, so that a
        refusal can come first. Raises `UnknownName` for one who was erased.
        """
        now_us, at_us = to_us(self.clock()), None if at is None else to_us(at)
        words = words_of(purposes, source, now_us if at_us is None else min(at_us, now_us))
        self.note("consent.change", user, by=by, purposes={word.purpose: word.given for word in words})
        return keep_consents(self.stock, user, words, newest=at is None)

    def put_items(self, items: Iterable[Mapping[str, Any]]) -> dict[str, int]:
        """Add, change and withdraw items at once, without a build; all of them or, where one is wrong, none.

        An item: `item_id` and any columns of the item table; what is not named stays as it is, a new item needs a
        `title`. `available: False`: sold out. `withdrawn: True`: from then on there is no such item. `valid_from`: an
        ISO 8601 time it holds from, also one ahead; without it from now on. `attributes`: a dict. Raises `UsageError`,
        `UnknownName` for a field. Returns when every search, list, completion and profile of this process shows it;
        other processes follow within a second.
        """
        ready = self.workspace.build() is not None
        put = put_items(self.stock, items, to_us(self.clock()), self._current.at() if ready else None)
        if ready:
            self._current.follow()
        return asdict(put)

    def follow(self) -> None:
        """Come up to date with items that other processes have put."""
        if self.workspace.build() is not None:
            self._current.follow()

    def erase(self, user: str, *, by: str = HERE) -> dict[str, Any]:
        """Forget a user everywhere. `UnknownName` for an id never seen."""
        row = self._row(user)
        with self.workspace.writing():
            self.note("profile.erase", user, by=by)
            finish_erasures(self.stock)
            report = erase(self.stock, row, to_us(self.clock()))
        self._changed()
        return report

    def hold(self, user: str, until: datetime, reason: str, *, by: str = HERE) -> dict[str, Any]:
        """Keep what a user bought, as purchases of nobody, should they be erased before `until`; see `shop.holding`."""
        row = self._row(user)
        self.note("hold.put", user, by=by, until=until.isoformat())
        return hold(self.stock, row, until, reason, to_us(self.clock()))

    def release(self, user: str, *, by: str = HERE) -> bool:
        """End the hold on a user; whether there was one."""
        row = self._row(user)
        self.note("hold.release", user, by=by)
        return release(self.stock, row)

    def held(self) -> list[dict[str, Any]]:
        """What is held of users who were erased, without telling whose it was."""
        return held(self.stock)

    def sweep(self) -> dict[str, int]:
        """Remove what is past retention or held no longer; how much of what. A build and a server do it, too."""
        with self.workspace.writing():
            gone = sweep(self.stock, to_us(self.clock()))
        if gone.get("events"):
            self._changed()
        return gone

    def backup(self, file: Path | str, keys: Path | str | None = None) -> dict[str, Any]:
        """Write a backup of the workspace as it is now, while it is served; its users' keys go to a file of their own.

        `shop.restoring.restore` puts it back. Raises `WorkspaceError` while another process builds or ingests.
        """
        return back_up(self.stock, Path(file), None if keys is None else Path(keys), to_us(self.clock()))

    def retraining(self) -> dict[str, Any]:
        """`models` that were trained with users erased since, each with its day; `overdue`: those whose day is past."""
        return {"models": to_retrain(self.stock), "overdue": overdue(self.stock, to_us(self.clock()))}

    def stitch(self, user: str, into: str) -> None:
        """From now on both ids are one person; `split` undoes it. Both must have been seen."""
        self._join(user, lambda: self.stock.catalog.stitch(self._row(user), self._row(into)))

    def split(self, user: str) -> None:
        """Take an id out of the person it was stitched into; both states are folded again."""
        self._join(user, lambda: self.stock.catalog.unstitch(self._row(user)))

    def _join(self, user: str, change: Callable[[], None]) -> None:
        build = current(self.stock)
        judgement = self._judgement(build)
        with self.workspace.writing(), self.stock.changing_states():
            before = self.stock.persons(self._row(user))
            change()
            self.stock.refold_persons(
                {*before, *self.stock.persons(self._row(user))}, judgement, build.as_of_us if build.history else None
            )
        self._crowds.drop()


def create(
    folder: Path | str, *, name: str = "My shop", domain: str = "commerce", zone: str = "UTC", language: str = "en",
    currency: str | None = None, clock: Clock = utc_now,
) -> Shop:  # fmt: skip
    """Make a workspace and open it. `currency`: None is USD, of a shop in Chinese CNY."""
    currency = currency or ("CNY" if language == "zh" else "USD")
    settings = ShopSettings(name=name, language=language, zone=zone, domain=domain, currency=currency)
    Workspace(Path(folder)).create(template(settings))
    return Shop(folder, clock=clock)


def open_shop(folder: Path | str = ".", *, clock: Clock = utc_now, served: bool = False) -> Shop:
    """Open a workspace. Raises `WorkspaceError` where there is none, or one of a newer Mien."""
    return Shop(folder, clock=clock, served=served)
