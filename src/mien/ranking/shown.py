"""Shown: answers that people saw, and what they then chose of them; the best there is to learn a ranking from.

People choose what stands first because it stands first. LambdaMART is told the place each item stood at and learns
the pull of the place beside that of the item, so that a ranker does not learn to repeat the one before it. Source: Hu,
Wang, Peng, Li, Unbiased LambdaMART, WWW 2019, as LightGBM has it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mien.core.event import Action
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.core.query import Query
from mien.features.state import FoldSettings
from mien.models.interactions import Interactions
from mien.ranking.answering import asker
from mien.ranking.lexical import Matches, Tier
from mien.ranking.nearness import counts, meaning_terms
from mien.ranking.ranker import Examples
from mien.ranking.rehearsal import Weighed, examples_of, state_of
from mien.ranking.scoring import scored
from mien.ranking.shelf import Context, Shelf
from mien.ranking.terms import category_term, text_terms

GAINS = {Action.CLICK: 1, Action.VIEW: 1, Action.FAVOURITE: 2, Action.CART: 2, Action.PURCHASE: 3}
"""What an outcome says of the answer; the most that followed counts."""
DEEPEST = 50
"""Places further down are taken to be one place."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One answer. `rows (n,)` the items, `places (n,)` where each stood, from 1 on, `gains (n,)` what followed, or 0.

    `user` is a row, `text` what was asked.
    """

    user: int
    at_us: int
    text: str
    rows: Rows
    places: npt.NDArray[np.int64]
    gains: npt.NDArray[np.int64]


def shown_examples(
    answers: Sequence[Shown],
    shelf: Shelf,
    data: Interactions,
    settings: FoldSettings,
    *,
    progress: Progress | None = None,
) -> Examples:
    """What a ranker learns from answers: each item as it was measured then, with its place and what followed.

    `data`: what everybody did; of who asks only what lies before the answer is looked at. `shelf`: as it stood before
    all of the answers. Cost: some ms an answer.
    """
    advance = (progress or Silent()).step("read answers", len(answers))

    def told() -> Iterator[Weighed]:
        for shown in answers:
            advance(1)
            yield _measured(shown, shelf, data, settings)

    return examples_of(told())


def _measured(shown: Shown, shelf: Shelf, data: Interactions, settings: FoldSettings) -> Weighed:
    state = state_of(data, shown.user, shown.at_us - 1, settings)
    context = Context(shelf, shown.at_us, state)
    person = asker(Query(shown.text), context)
    matches = replace(_matches(shown, shelf), mixed=counts(shown.text, context))
    first = (
        *text_terms(matches, context),
        *meaning_terms(shown.text, matches, context),
        category_term(shown.rows, shown.text, context),
    )
    blend = scored(shown.rows, person, context, first, said=shown.text)
    return Weighed(blend, shown.gains, np.minimum(shown.places, DEEPEST))


def _matches(shown: Shown, shelf: Shelf) -> Matches:
    """How the items shown match the text; what the index does not find is there without a word of it."""
    assert shelf.index is not None, "reading answers needs an index of texts"
    found = shelf.index.search(shown.text, len(shelf.index))
    order = np.argsort(found.rows, kind="stable")
    place = np.minimum(np.searchsorted(found.rows[order], shown.rows), max(len(order) - 1, 0))
    scores, tiers = np.zeros(len(shown.rows)), np.full(len(shown.rows), Tier.NO_WORD, dtype=np.int8)
    if len(order):
        hit = found.rows[order][place] == shown.rows
        scores[hit], tiers[hit] = found.scores[order][place[hit]], found.tiers[order][place[hit]]
    return replace(found, rows=shown.rows, scores=scores, tiers=tiers, total=len(shown.rows), corrected=None)
