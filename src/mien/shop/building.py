"""The build: prepare → features → profiles → indexes. Incremental, and safe to interrupt at any instant.

What a build writes it writes beside what is there, or replaces user by user; `build.json` comes last. A build that was
interrupted is simply run again: it sees what the last finished one covered and does the rest.
"""

import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from mien.core.clock import DAY_US, from_us
from mien.core.errors import NotReady, UsageError
from mien.core.item import Catalogue
from mien.core.personal import impersonal
from mien.core.ports import Progress
from mien.core.tables import JUDGED, LOG, LOGGED
from mien.features import engine as engines
from mien.features.assemble import states
from mien.features.population import Population, fit_population, is_outdated
from mien.features.user_tables import until
from mien.models.complements import Complements
from mien.models.demand import Demand
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model
from mien.models.neighbours import ItemNeighbours
from mien.models.popular import Popular
from mien.models.rhythm import Rhythm
from mien.models.segments import SegmentPopular
from mien.models.trend import Trend
from mien.prepare.clean import fit_judgement, judge
from mien.prepare.judgement import Judgement
from mien.prepare.refunds import count_refunds
from mien.prepare.report import Arrivals, QualityReport, count_judged
from mien.ranking.lexical import TextIndex
from mien.report.pages import quality_page
from mien.shop.folding import move_tail
from mien.shop.replacing import Writing
from mien.shop.stock import Stock
from mien.shop.sweeping import swept
from mien.shop.trained import index_meaning, kept
from mien.shop.typed import keep_queries
from mien.shop.workspace import Build
from mien.stores.durable import write_whole

UNFINISHED = "unfinished_build"
"""Set in the catalogue while every state is being replaced, and where the store lost some; a build that finds it set
begins with everybody."""
EVENTS_PER_MB = 500
"""Events folded at once per MB that the table engine may use; some 2 kB an event with all its columns."""


_BY_ID = (
    "Items: {n:,} are known by their id alone. Names and categories come with: mien ingest --items FILE",
    "商品：{n:,} 件只知道编号。名称和类目请用 mien ingest --items FILE 读入",
)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: `folded` users were folded (again), `refitted`: whether the population was fitted anew,
    `bare`: how many items are known by their id alone."""

    build: Build
    quality: QualityReport
    folded: int
    refitted: bool
    bare: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        told = asdict(self.build) | {"as_of": self.build.as_of.isoformat(), "folded": self.folded}
        return told | {"refitted": self.refitted, "items_by_id": self.bare, "quality": self.quality.to_dict()}

    def lines(self, language: str = "en") -> list[str]:
        """For a terminal: the quality report in five lines, and what was built."""
        b = self.build
        if language == "zh":
            how = "重新拟合" if self.refitted else "沿用"
            last = (
                f"画像：{b.users:,} 位用户（本次更新 {self.folded:,}），"
                f"截至 {b.as_of:%Y-%m-%d %H:%M} UTC；总体 {b.population}（{how}）"
            )
        else:
            how = "fitted anew" if self.refitted else "as before"
            last = (
                f"Profiles: {b.users:,} users ({self.folded:,} folded now) as of {b.as_of:%Y-%m-%d %H:%M} UTC; "
                f"population {b.population} ({how})"
            )
        more = [_BY_ID[language == "zh"].format(n=self.bare)] if self.bare else []
        return [*self.quality.lines("zh" if language == "zh" else "en"), last, *more]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one build covers and how."""

    as_of_us: int
    history: bool
    engine: str
    ingest: int
    settings: str
    previous: Build | None
    now_us: int


def build(stock: Stock, *, as_of_us: int | None, engine: str, now_us: int, progress: Progress) -> BuildReport:
    """Build everything from the log up to `as_of_us` (None: its last event). The caller holds the writer's lock."""
    if not stock.states_held():
        stock.catalog.set_meta(UNFINISHED, "everyone")
    move_tail(stock)
    plan = _plan(stock, as_of_us, engine, now_us)
    bare = stock.call_by_id()
    stock.history.compact()
    con = engines.connect(
        engine,
        threads=stock.settings.engine.cores,
        memory=f"{stock.settings.engine.memory_mb}MB",
        temporary=stock.workspace.spill,
    )
    catalogue = stock.catalogue(plan.as_of_us)
    stand = _standing(stock, plan)
    with _judged(stock, con, plan, stand, catalogue, progress) as (judgement, parts):
        judged = engines.read_parquet(con, [path for path, _ in parts])
        quality = _quality(stock, judged)
        folded = _fold(stock, con, plan, parts, judgement, everyone=stand is None, progress=progress)
        population = stand or _fit_population(stock, judged, plan, judgement, catalogue, progress)
        _index(stock, judged, plan, progress)
    finished = Build(
        as_of_us=plan.as_of_us,
        ingest=plan.ingest,
        population=population.version,
        items=stock.items_digest(),
        settings=plan.settings,
        engine=engine,
        users=len(stock.states),
        events=quality.judged.kept,
        logged=len(stock.history),
        history=plan.history,
    )
    con.disconnect()
    _finish(stock, plan, judgement, finished, anew=stand is None)
    stock.drop_left_states()
    return BuildReport(finished, quality, folded, stand is None, bare)


def _plan(stock: Stock, as_of_us: int | None, engine: str, now_us: int) -> _Plan:
    if engine not in engines.ENGINES:
        raise UsageError("“{engine}” is no engine. Use one of: {engines}.", engine=engine, engines=engines.ENGINES)
    span = stock.history.span_us()
    if span is None:
        raise NotReady("There are no events yet. Take some in with: mien ingest --events FILE")
    if as_of_us is not None and as_of_us < span[0]:
        raise UsageError(
            "Nothing had happened yet at {at}; the first event is of {first}.",
            at=from_us(as_of_us),
            first=from_us(span[0]),
        )
    latest = min(span[1], now_us + DAY_US)  # what lies further ahead is left out by its verdict
    return _Plan(
        as_of_us=latest if as_of_us is None else as_of_us,
        history=as_of_us is not None,
        engine=engine,
        ingest=stock.catalog.last_ingest(),
        settings=stock.settings_digest(),
        previous=stock.workspace.build(),
        now_us=now_us,
    )


def _standing(stock: Stock, plan: _Plan) -> Population | None:
    """The population of the last build where it may stand: same settings, few new events, no time travel."""
    previous = plan.previous
    if previous is None or previous.history or plan.history or previous.settings != plan.settings:
        return None
    population, engine = stock.population(previous.population), stock.settings.engine
    events = previous.events + len(stock.history) - previous.logged
    outdated = is_outdated(
        population, events=events, at_us=plan.as_of_us, growth=engine.refit_share, days=engine.refit_days
    )
    return None if outdated or stock.catalog.meta(UNFINISHED) else population


Parts = list[tuple[Path, list[int]]]
"""Files of judged events, and the user buckets each holds."""


@contextmanager
def _judged(
    stock: Stock, con: Any, plan: _Plan, stand: Population | None, catalogue: Catalogue, progress: Progress
) -> Iterator[tuple[Judgement, Parts]]:
    """The judgement and the judged log as Parquet, written once since every later step reads it."""
    folder = stock.workspace.spill / "judged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    parts = _parts(stock, plan.engine)
    advance = progress.step("prepare", 1 + len(parts))
    judgement = Judgement.from_dict(stand.judgement) if stand else _fit_judgement(stock, con, plan, catalogue)
    advance(1)
    try:
        written = []
        for k, buckets in enumerate(parts):
            path = folder / f"{k:04d}.parquet"
            log = until(engines.read_parquet(con, stock.history.paths(buckets)), plan.as_of_us)
            judge(log, judgement, now_us=plan.now_us).to_parquet(path)
            written.append((path, buckets))
            advance(1)
        yield judgement, written
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fit_judgement(stock: Stock, con: Any, plan: _Plan, catalogue: Catalogue) -> Judgement:
    log = until(engines.read_parquet(con, stock.history.paths()), plan.as_of_us)
    category = {row: text for row, text in enumerate(catalogue.category) if text}
    return fit_judgement(log, stock.settings.clean, now_us=plan.now_us, category_of=category)


def _quality(stock: Stock, judged: ir.Table) -> QualityReport:
    """The report of all that ever came in, checked and written as JSON and as a page."""
    arrivals = Arrivals()
    for report in stock.catalog.ingest_reports():
        arrivals = arrivals + Arrivals(**report)
    counts = count_judged(judged, stock.settings.shop.zone)
    kept = len(stock.history)
    old = swept(stock).get("events", 0)
    gone = {"past_retention": old, "erased_since": arrivals.new - kept - old, "after_as_of": kept - counts.events}
    gone = {reason: n for reason, n in gone.items() if n}
    quality = QualityReport(counts, arrivals, gone, count_refunds(judged)).check()
    language = stock.language
    write_whole(stock.workspace.reports / "quality.json", json.dumps(quality.to_dict(), ensure_ascii=False))
    title = stock.settings.shop.name
    write_whole(stock.workspace.reports / "quality.html", quality_page(quality, title=title, language=language))
    return quality


def _finish(stock: Stock, plan: _Plan, judgement: Judgement, finished: Build, *, anew: bool) -> None:
    """Put the states of stitched persons in place of those of their rows, and hand over to the live fold.

    Persons are folded one at a time, so that live events pass in between; those whose latest events were judged as
    the build before judged come last, with the build's end, while nobody else folds.
    """
    until = plan.as_of_us if plan.history else None
    for person in sorted(set(stock.catalog.stitches().values())):
        with stock.changing_states():
            stock.refold_persons([person], judgement, until)
    with stock.changing_states():
        if anew and not plan.history:
            stock.refold_persons(stock.tail.users(stock.states.offset()), judgement, None)
        stock.workspace.finish(finished)
        stock.catalog.set_meta(UNFINISHED, "")
        stock.tail.note_states(lost=False)


def _fold(
    stock: Stock, con: Any, plan: _Plan, parts: Parts, judgement: Judgement, *, everyone: bool, progress: Progress
) -> int:
    """Fold every user, or only those with events that came since the last build; returns how many."""
    advance = progress.step("fold profiles", len(parts))
    only = None
    if everyone:
        stock.catalog.set_meta(UNFINISHED, "everyone")
    else:
        assert plan.previous is not None, "without a previous build everyone is folded"
        only = stock.catalog.users_touched_since(plan.previous.ingest)
    write = Writing(stock, judgement, live=not plan.history)
    for path, buckets in parts:
        mine = None if only is None else only[np.isin(only % stock.history.buckets, buckets)].tolist()
        if mine is None or mine:
            table = engines.read_parquet(con, [path])
            table = table if mine is None else table.filter(table[LOGGED.USER].isin(mine))
            write.all(states([table], stock.settings.fold, span=stock.history.span_us()))
        advance(1)
    if everyone:
        write.drop_others()
    return len(write.written)


def _parts(stock: Stock, engine: str) -> list[list[int]]:
    """Buckets handled together: few enough events for the memory, enough that planning queries costs little."""
    events: Counter[int] = Counter()
    for segment in stock.catalog.segments():
        events[segment.bucket] += segment.events
    limit = math.inf if engine == "spark" else stock.settings.engine.memory_mb * EVENTS_PER_MB
    parts: list[list[int]] = []
    room = 0.0
    for bucket in sorted(events):
        if not parts or events[bucket] > room:
            parts.append([])
            room = limit
        parts[-1].append(bucket)
        room -= events[bucket]
    return parts


def _fit_population(
    stock: Stock, judged: ir.Table, plan: _Plan, judgement: Judgement, catalogue: Catalogue, progress: Progress
) -> Population:
    done = progress.step("fit the population", 1)
    population = fit_population(
        judged, catalogue, as_of_us=plan.as_of_us, settings=stock.settings.fold, judgement=judgement.to_dict()
    )
    population.save(stock.workspace.population / f"{population.version}.npz")
    done(1)
    return population


def _index(stock: Stock, judged: ir.Table, plan: _Plan, progress: Progress) -> None:
    """What answers questions: texts (where the items changed), neighbours and popularity.

    Of the items as they are now, where the build is of now.
    """
    changes = stock.changes.last()  # before the catalogue, which then has these at least
    catalogue = stock.catalogue(plan.as_of_us if plan.history else max(plan.as_of_us, plan.now_us))
    folder = stock.workspace.index / "text"
    same_items = plan.previous is not None and plan.previous.items == stock.items_digest()
    same_time = plan.previous is not None and not plan.history and not plan.previous.history
    texts = None if not (same_items and same_time) else kept(partial(TextIndex.open, catalogue=catalogue), folder)
    if texts is None:  # items changed, or the index is another version's
        done = progress.step("index texts", 1)
        texts = TextIndex.build(folder, catalogue, changes=changes)
        done(1)
    index_meaning(stock, catalogue, progress)
    keep_queries(stock, judged, texts, plan.as_of_us)
    data = interactions(stock, judged)
    rhythm = Rhythm(half_life_days=stock.settings.fold.slow_days).use_items(
        ItemFacts.of(len(catalogue), facets=catalogue.text_facets)
    )
    models: tuple[Model, ...] = (ItemNeighbours(), Popular(), Complements(), Trend(), rhythm)
    advance = progress.step("index neighbours", len(models) + 1)
    for model in models:
        model.fit(data, at_us=plan.as_of_us).save(stock.workspace.index)
        advance(1)
    Demand.fit(data, at_us=plan.as_of_us).save(stock.workspace.index)
    _segments(stock, data, plan.as_of_us)
    advance(1)


def _segments(stock: Stock, data: Interactions, at_us: int) -> None:
    """Popularity among those who declared the same and let it be used."""
    traits = {
        row: [(name, str(value)) for name, value in impersonal(user.traits, stock.settings.privacy.personal).items()]
        for row, user in stock.catalog.declarations()
        if user.personalisable
    }
    SegmentPopular.fit(data, traits, at_us=at_us).save(stock.workspace.index)


def interactions(stock: Stock, judged: ir.Table) -> Interactions:
    """What users did with items, of the events that are kept. Memory: some 40 bytes an event."""
    columns = (LOGGED.USER, LOGGED.ITEM, LOGGED.ACTION, LOGGED.AT, LOGGED.VALUE, LOGGED.QUANTITY)
    kept = judged.filter(judged[JUDGED.VERDICT].isnull(), judged[LOGGED.ITEM].notnull()).select(*columns)
    n_users, n_items = len(stock.catalog.users), len(stock.catalog.items)
    return Interactions.from_table(kept.to_pyarrow(), n_users=n_users, n_items=n_items)


def judged_log(stock: Stock, as_of_us: int, judgement: Judgement) -> ir.Table:
    """The judged log up to a moment, history and tail as one, on the embedded engine; for studies and training.

    Read while nobody moves the tail, or read again where somebody did meanwhile.
    """
    con = engines.connect(
        threads=stock.settings.engine.cores,
        memory=f"{stock.settings.engine.memory_mb}MB",
        temporary=stock.workspace.spill,
    )
    while True:
        ingest = stock.catalog.meta("next_ingest")
        tail, paths = stock.tail.table(), stock.history.paths()
        if stock.catalog.meta("next_ingest") == ingest:
            break
    parts = [engines.read_parquet(con, paths).select(*LOG.names)] if paths else []
    if len(tail) or not parts:
        loose = pa.schema([column.with_nullable(True) for column in LOG])  # as Parquet is read
        parts.append(con.create_table("tail", tail.cast(loose), temp=True))
    return judge(until(ibis.union(*parts) if len(parts) > 1 else parts[0], as_of_us), judgement)
