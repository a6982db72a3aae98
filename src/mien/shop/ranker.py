"""The rankers of a shop, of searches and of what is for you: learnt from what was bought after moments in the past."""

import json
from collections import defaultdict
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from mien.core.clock import DAY_US, from_us
from mien.core.errors import NotReady
from mien.core.event import Action
from mien.core.ports import Progress
from mien.core.tables import JUDGED, LOGGED
from mien.models.behaviour import Behaviour
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.profiles.yardstick import Yardstick
from mien.ranking.close import CloseReading
from mien.ranking.judged import Lesson, learn_texts, lessons
from mien.ranking.judged import examples_of as judged_examples
from mien.ranking.lexical import TextIndex
from mien.ranking.offering import Offering, learn_recommender
from mien.ranking.past import past_shelf
from mien.ranking.ranker import Examples, LearnOptions, Ranker, learn
from mien.ranking.rehearsal import Rehearsal, discovery, examples_of, questions
from mien.ranking.shelf import Context, Shelf
from mien.ranking.shown import GAINS, Shown, shown_examples
from mien.shop.judgements import Judgements
from mien.shop.outcomes import live_answers
from mien.shop.stock import Stock
from mien.shop.trained import nearness
from mien.shop.workspace import Build

RANKER, RECOMMENDER = "ranker.npz", "recommender.npz"
DAYS = 28.0
"""How far back the moment lies that questions come after."""
MOST = 12_000
"""Most questions that are learnt from."""
FEWEST = 200
"""With fewer the weights that are set by hand are as good."""


def learn_ranker(
    stock: Stock,
    build: Build,
    judged: ir.Table,
    data: Interactions,
    *,
    taste: Model | None,
    behaviour: Behaviour | None,
    judgements: Judgements | None = None,
    seed: int,
    progress: Progress,
) -> Ranker:
    """From the answers of the last weeks, where enough were kept or logged with what followed; else by rehearsing:
    what each person bought is asked for by its category, with nothing later known. From judgements besides, or alone.

    `taste`: an ALS to be fitted as of then, as the one that answers was. `behaviour`: a model trained on nothing later
    than then, or it is not looked at. Raises `NotReady` where there are too few
    questions. Cost: some ms a question, and the trees.
    """
    at_us = build.as_of_us - int(DAYS * DAY_US)
    catalogue, span = stock.catalogue(build.as_of_us), (at_us + 1, build.as_of_us + 1)
    answers = [*shown_answers(judged, span), *live_answers(stock, judged, span, len(catalogue))]
    answers = sorted(answers, key=lambda one: one.at_us)[-MOST:]
    standard = Yardstick.of(catalogue, stock.population(build.population))
    index = TextIndex.open(stock.workspace.index / "text", catalogue)
    vectors = nearness(stock, catalogue)
    close = None if judgements is None else CloseReading.of(catalogue)
    shelf = past_shelf(
        catalogue, standard, index, data,
        at_us=at_us, taste=taste, foresight=behaviour, vectors=vectors, close=close, seed=seed,
    )  # fmt: skip
    facts: dict[str, Any] = {"from": from_us(at_us).isoformat()}
    if len(answers) >= FEWEST:
        examples = shown_examples(answers, shelf, data, stock.settings.fold, progress=progress).narrow()
        facts |= {"questions": len(examples.sizes), "of": "answers shown"}
        return _learnt(examples, _taught(judgements, shelf, stock, build, seed, progress), seed, facts)
    asked = questions(data, shelf, (at_us + 1, build.as_of_us + 1), most=MOST, seed=seed)
    if len(asked) >= FEWEST:
        rehearsal = Rehearsal(shelf, data, at_us, stock.settings.fold, catalogue.known)
        examples = examples_of(rehearsal.ask(asked, progress), weigh=discovery()).narrow()
        facts |= {"questions": len(examples.sizes), "of": "purchases"}
        return _learnt(examples, _taught(judgements, shelf, stock, build, seed, progress), seed, facts)
    if judgements is None:
        raise NotReady(
            "{n_asked} purchases of the last {days:g} days can be asked for by a category; {fewest} "
            "are needed. Searches are ranked by the weights of the settings.",
            n_asked=len(asked),
            days=DAYS,
            fewest=FEWEST,
        )
    taught = _taught(judgements, shelf, stock, build, seed, progress)
    return learn_texts(taught, seed=seed, facts={"questions": 0, "judged": len(taught), "of": "judgements"})


def _taught(
    judgements: Judgements | None, shelf: Shelf, stock: Stock, build: Build, seed: int, progress: Progress
) -> list[Lesson]:
    """What each judged query teaches, asked as it is asked today."""
    if judgements is None:
        return []
    context = Context(shelf, build.as_of_us, options=stock.settings.ranking, search=stock.settings.search)
    return lessons(judgements.asked, context, seed=seed, progress=progress)


def _learnt(examples: Examples, taught: list[Lesson], seed: int, facts: dict[str, Any]) -> Ranker:
    """One ranker of what people did and, where there is such, of what they judged."""
    if taught:
        examples, facts = examples.joined(judged_examples(taught)), facts | {"judged": len(taught)}
    return learn(examples, LearnOptions(), seed=seed, facts=facts)


def learn_for_you(
    stock: Stock,
    build: Build,
    data: Interactions,
    *,
    taste: Model | None,
    behaviour: Behaviour | None,
    seed: int,
    progress: Progress,
) -> Ranker:
    """What ranks recommendations, from people's next orders. `taste`, `behaviour`, errors: as in `learn_ranker`."""
    catalogue, settings = stock.catalogue(build.as_of_us), stock.settings
    standard = Yardstick.of(catalogue, stock.population(build.population))

    def offering(at_us: int) -> Offering:
        shelf = past_shelf(catalogue, standard, None, data, at_us=at_us, taste=taste, foresight=behaviour, seed=seed)
        return Offering(shelf, data, at_us, settings.fold, settings.ranking, settings.kinds)

    return learn_recommender(data, build.as_of_us, offering, seed=seed, progress=progress)


def shown_answers(judged: ir.Table, span: tuple[int, int]) -> list[Shown]:
    """The logged answers to a query with what followed each item, oldest first, at most the `MOST` newest of `span`.

    An answer is the `impression` events of one `impression_id`, an item each; its place is `position` in their
    properties, or the order in which they came. What followed bears the same `impression_id`. Answers that nothing
    followed teach nothing about order and are left out.
    """
    columns = (
        LOGGED.IMPRESSION_ID,
        LOGGED.USER,
        LOGGED.AT,
        LOGGED.ACTION,
        LOGGED.ITEM,
        LOGGED.QUERY,
        LOGGED.PROPERTIES,
    )
    kept = judged.filter(
        judged[JUDGED.VERDICT].isnull(), judged[LOGGED.IMPRESSION_ID].notnull(), judged[LOGGED.ITEM].notnull()
    )
    told = kept.order_by(LOGGED.AT, LOGGED.EVENT_ID).select(*columns).to_pyarrow()
    told = told.set_column(columns.index(LOGGED.AT), LOGGED.AT, told[LOGGED.AT].cast(pa.int64()))
    answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in told.to_pylist():
        answers[event[LOGGED.IMPRESSION_ID]].append(event)
    found = [_shown(events) for events in answers.values()]
    inside = [one for one in found if one is not None and span[0] <= one.at_us < span[1]]
    return sorted(inside, key=lambda one: one.at_us)[-MOST:]


def _shown(events: list[dict[str, Any]]) -> Shown | None:
    """The answer of these events; None where it was to no query or where nothing followed."""
    seen = [event for event in events if event[LOGGED.ACTION] == Action.IMPRESSION]
    text = next((event[LOGGED.QUERY] for event in seen if event[LOGGED.QUERY]), "")
    gains: dict[int, int] = {}
    for event in events:
        gain = GAINS.get(Action(event[LOGGED.ACTION]), 0)
        gains[event[LOGGED.ITEM]] = max(gain, gains.get(event[LOGGED.ITEM], 0))
    places = {event[LOGGED.ITEM]: _place(event, k) for k, event in enumerate(seen, start=1)}
    rows = sorted(places)
    if not text or not any(gains[row] for row in rows):
        return None
    return Shown(
        seen[0][LOGGED.USER],
        seen[0][LOGGED.AT],
        text,
        np.array(rows, dtype=np.int32),
        np.array([places[row] for row in rows], dtype=np.int64),
        np.array([gains[row] for row in rows], dtype=np.int64),
    )


def _place(event: dict[str, Any], came: int) -> int:
    told = json.loads(event[LOGGED.PROPERTIES] or "{}")
    place = told.get("position") if isinstance(told, dict) else None
    return int(place) if isinstance(place, int | float) and place >= 1 else came
