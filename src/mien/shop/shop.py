"""The shop: one workspace, and all that can be done with it. Every command and every route calls one of its methods."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from mien.collect.source import CollectOptions
from mien.core.clock import to_us
from mien.core.errors import UnknownName, UsageError
from mien.core.ids import UserRow
from mien.core.item import Item
from mien.core.ports import Progress, Silent
from mien.core.profile import Profile
from mien.core.query import Answer, Query
from mien.models.behaviour.together import process_rank
from mien.prepare.judgement import Judgement
from mien.profiles.wording import Language
from mien.ranking.completion import Completion
from mien.ranking.kind import FOR_YOU
from mien.settings import Settings, ShopSettings, load, template
from mien.shop import building
from mien.shop.building import BuildReport, interactions, judged_log
from mien.shop.consenting import keep_consents, told_consents
from mien.shop.current import Current, put_items
from mien.shop.forgetting import erase, export
from mien.shop.ingest import IngestReport, Intake, united
from mien.shop.letters import dead_letters, replay
from mien.shop.people import People
from mien.shop.serving import KNOWN_SHOWN, Serving, at_of, current
from mien.shop.stock import Stock
from mien.shop.training import TrainRecipe, train
from mien.shop.workspace import Build, Workspace
from mien.shop.writing import write_profiles
from mien.stores.catalog import Catalog
from mien.stores.changes import ItemChanges
from mien.stores.history import History, Resources
from mien.stores.items import ItemTable
from mien.stores.keys import Keys
from mien.stores.open import open_profile_store
from mien.stores.tail import Tail
from mien.studies.evaluate import DEFAULT_MODELS, evaluate

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Shop:
    """An opened workspace. `clock` says what now is; `served`: questions without a time are asked now, not at the
    time of the last event. May be used by several threads for questions, by one for everything else."""

    def __init__(self, folder: Path | str, *, clock: Clock = utc_now, served: bool = False) -> None:
        self.workspace = Workspace(Path(folder))
        self.workspace.require()
        self.settings: Settings = load(self.workspace.settings)
        self.clock, self.served = clock, served
        otherwise = self.settings.privacy.otherwise
        catalog = Catalog(self.workspace.catalog, otherwise=otherwise)
        buckets = int(catalog.meta("buckets", str(self.settings.engine.buckets)))
        catalog.set_meta("buckets", str(buckets))
        engine = self.settings.engine
        resources = Resources(self.workspace.spill, engine.memory_mb, engine.cores)
        history = History(self.workspace.log, catalog, resources, buckets)
        states = open_profile_store(f"sqlite:{self.workspace.states}")
        items, tail = ItemTable(self.workspace.items), Tail(self.workspace.catalog, otherwise=otherwise)
        self.keys = Keys(self.workspace.keys)
        changes = ItemChanges(self.workspace.catalog)
        self.stock = Stock(self.workspace, self.settings, catalog, history, items, states, tail, changes)
        self._current = Current(self.stock, lambda: to_us(self.clock()))

    def close(self) -> None:
        """Close the stores."""
        self.stock.close()

    def __enter__(self) -> "Shop":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        return Intake(self.workspace, stock.catalog, stock.history, stock.items, options, to_us(self.clock()))

    def build(
        self, as_of: datetime | None = None, engine: str = "duckdb", progress: Progress | None = None
    ) -> BuildReport:
        """Prepare, fold, fit the population, index. With `as_of` the workspace then stands as of that time."""
        with self.workspace.writing():
            report = building.build(
                self.stock,
                as_of_us=None if as_of is None else to_us(as_of),
                engine=engine,
                now_us=to_us(self.clock()),
                progress=progress or Silent(),
            )
        self._current.drop()
        return report

    def train(
        self, recipe: Path | str | None = None, *, seed: int = 0, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Train models on everything up to the build's time and keep them in `models/`; see `shop.training`.

        `recipe`: TOML, `[models.ease]` and so on with settings, `heads`, `reviews`; None: all that is installed, small
        enough for two cores. Interrupted, it goes on from its checkpoint. Several processes: `torchrun -m mien train`.
        """
        chosen = TrainRecipe.default() if recipe is None else TrainRecipe.read(Path(recipe))
        build = current(self.stock)
        with self.workspace.writing() if self.speaks else nullcontext():
            trained = train(self.stock, build, chosen, seed=seed, progress=progress)
        self._current.drop()
        return trained

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
        """The honest table as JSON-ready values: train before `at`, test on what came after.

        `at`: None is 14 days before the end. `options`: those of `studies.evaluate.evaluate`.
        """
        build = current(self.stock)
        judgement = self._judgement(build)
        data = interactions(self.stock, judged_log(self.stock, build.as_of_us, judgement))
        at_us = None if at is None else to_us(at)
        found = evaluate(
            data,
            at_us,
            models=models or DEFAULT_MODELS,
            facets=self._served(None).yardstick.facets,
            progress=progress or Silent(),
            **options,
        )
        return found.to_dict()

    def _judgement(self, build: Build) -> Judgement:
        return Judgement.from_dict(self.stock.population(build.population).judgement)

    # -- questions --------------------------------------------------------------------------------------------

    def profile(self, user: str, as_of: datetime | None = None, *, language: Language | None = None) -> Profile:
        """All that is known of a user at a moment (None: now for a served shop, else the time of the last event).

        `language`: of what it says, here and in all questions; None is the shop's.
        """
        serving = self._served(as_of)
        return serving.profile(user, self._at(as_of, serving), language)

    def profiles(self, out: Path | str, progress: Progress | None = None) -> int:
        """Write every profile as a row of a Parquet file; returns how many."""
        serving = self._served(None)
        return write_profiles(serving, Path(out), self._at(None, serving), progress or Silent())

    def search(
        self,
        text: str,
        user: str | None = None,
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        personalise: bool = True,
        at: datetime | None = None,
        *,
        sort: str = "relevance",
        offset: int = 0,
        understand: bool = True,
        literal: tuple[str, ...] = (),
        context: Sequence[str] = (),
        language: Language | None = None,
    ) -> Answer:
        """The best `k` items for a text. With `personalise=False` exactly what a visitor without any context gets.

        `filters`, `sort`, `offset`, `understand`, `literal` and `context` as `core.query.Query` has them.
        """
        serving = self._served(at)
        asked = Query(
            text, user, k, dict(filters or {}), personalise, at,
            sort=sort, offset=offset, understand=understand, literal=literal, context=tuple(context),
        )  # fmt: skip
        return serving.answer(asked, self._at(at, serving), language)

    def complete(self, prefix: str, k: int = 10) -> list[Completion]:
        """What somebody who typed this may be about to type: popular queries, categories, brands, titles."""
        return self._served(None).completer.complete(prefix, k)

    def recommend(
        self,
        user: str | None,
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        personalise: bool = True,
        at: datetime | None = None,
        *,
        kind: str = FOR_YOU,
        cart: Sequence[str] = (),
        context: Sequence[str] = (),
        language: Language | None = None,
    ) -> Answer:
        """What this user may want next; for an unknown one what anybody would get, and a note that says so.

        `kind`: for-you, similar, goes-with, buy-again, trending, new-arrivals, popular, or one of the settings. `cart`:
        the items it is asked about, which `similar` and `goes-with` start from. `context`: the items looked at in the
        running visit, oldest first.
        """
        serving = self._served(at)
        query = Query(
            "", user, k, dict(filters or {}), personalise, at, kind=kind, cart=tuple(cart), context=tuple(context)
        )
        return serving.answer(query, self._at(at, serving), language)

    def similar(
        self,
        item: str,
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        *,
        language: Language | None = None,
    ) -> Answer:
        """The items most like one."""
        serving = self._served(None)
        return serving.similar(item, Query(k=k, filters=dict(filters or {})), self._at(None, serving), language)

    def explain(
        self,
        user: str | None,
        item: str,
        query: str = "",
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        personalise: bool = True,
        *,
        kind: str = FOR_YOU,
        cart: Sequence[str] = (),
        context: Sequence[str] = (),
        language: Language | None = None,
    ) -> Answer:
        """One item as it stands for a user, among the matches of a query or the recommendations of a kind: its
        reasons, what would move it (`counterfactuals`), and why it is not among the first `k` (`absent`)."""
        serving = self._served(None)
        asked = Query(query, user, k, dict(filters or {}), personalise, None, kind, tuple(cart), tuple(context))
        return serving.explain(asked, item, self._at(None, serving), language)

    @property
    def people(self) -> People:
        """Who there is, and what somebody did."""

        def served() -> tuple[Serving, int]:
            serving = self._served(None)
            return serving, self._at(None, serving)

        return People(served)

    def item(self, item: str) -> Item | None:
        """An item as it is known now; None for an id that nothing is known of."""
        row = self.stock.catalog.items.row(item)
        return None if row is None else self._served(None).catalogue.item(row)

    def dead_letters(self, limit: int | None = None) -> dict[str, Any]:
        """How many rows could not be used for which reason, and the newest of them."""
        return dead_letters(self.stock.catalog, limit)

    def export(self, user: str) -> dict[str, Any]:
        """Everything kept about a user. `UnknownName` for an id never seen."""
        serving = self._served(None)
        return export(serving, user, self._row(user), self._at(None, serving))

    def consents(self, user: str) -> dict[str, Any]:
        """What a user lets be done: the newest words, what they allow, and every word with its time and source."""
        return told_consents(self.stock, user, self._row(user))

    # -- changing what is kept --------------------------------------------------------------------------------

    def replay(self) -> dict[str, Any]:
        """Read the dead letters again with today's mappings; those that can be used now leave the list."""
        with self.workspace.writing():
            intake = self._intake()
            return replay(
                self.workspace,
                self.stock.catalog,
                lambda kind, file, mapping: intake.take(kind, str(file), mapping, Silent()),
            )

    def consent(
        self, user: str, purposes: Mapping[str, bool], *, at: datetime | None = None, source: str = "shop"
    ) -> dict[str, Any]:
        """Keep what a user said of some purposes (`core.consent.PURPOSES`, or others by name); returns `consents`.

        It holds for every id of the person, from `at` on (None: now). A user never seen is remembered, so that a
        refusal can come first. Raises `UnknownName` for one who was erased.
        """
        now_us, at_us = to_us(self.clock()), None if at is None else to_us(at)
        return keep_consents(self.stock, user, purposes, source, now_us=now_us, at_us=at_us)

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

    def erase(self, user: str) -> dict[str, Any]:
        """Forget a user everywhere. `UnknownName` for an id never seen."""
        row = self._row(user)
        with self.workspace.writing():
            report = erase(self.stock, row, user)
        self._current.drop()
        return report

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

    # -- which moment -----------------------------------------------------------------------------------------

    def _row(self, user: str) -> UserRow:
        row = self.stock.catalog.users.row(user)
        if row is None:
            raise UnknownName("user", user, self.stock.catalog.users.some(KNOWN_SHOWN))
        return UserRow(row)

    def _at(self, asked: datetime | None, serving: Serving) -> int:
        now_us = to_us(self.clock()) if self.served else serving.build.as_of_us
        return at_of(asked, max(now_us, serving.build.as_of_us) if self.served else now_us)

    def _served(self, as_of: datetime | None) -> Serving:
        """What answers: kept for the current build, made for a moment before it."""
        return self._current.at(None if as_of is None else to_us(as_of))


def create(
    folder: Path | str, *, name: str = "My shop", domain: str = "commerce", zone: str = "UTC", language: str = "en",
    clock: Clock = utc_now,
) -> Shop:  # fmt: skip
    """Make a workspace and open it."""
    settings = ShopSettings(name=name, language=language, zone=zone, domain=domain)
    Workspace(Path(folder)).create(template(settings))
    return Shop(folder, clock=clock)


def open_shop(folder: Path | str = ".", *, clock: Clock = utc_now, served: bool = False) -> Shop:
    """Open a workspace. Raises `WorkspaceError` where there is none, or one of a newer Mien."""
    return Shop(folder, clock=clock, served=served)
