"""What trained models say of a user: intents, next items, spend, inferred traits, mood of reviews, a vector."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien.core.event import ACTION_CODE, LoggedEvent
from mien.core.item import Catalogue, Facet
from mien.core.profile import Embedding, Expected, Intent, Needs, NextItem, Profile, Trait
from mien.core.user import User
from mien.features.state import State
from mien.models.behaviour import Behaviour
from mien.models.content.reviews import ReviewHead
from mien.models.heads.heads import Heads
from mien.models.heads.intents import read_inferred, read_intents, read_spend
from mien.models.interactions import Interactions
from mien.profiles.wording import Language

NEXT_ITEMS = 10
MOOD_HALF_LIFE_US = 90 * 86_400_000_000
"""A review's mood counts half after this long."""


@dataclass(frozen=True, eq=False)
class Models:
    """What training left, as far as it did: each may be missing. `vector`: the frozen source that `heads` read."""

    behaviour: Behaviour | None = None
    heads: Heads | None = None
    vector: Behaviour | None = None
    reviews: ReviewHead | None = None

    def known_at(self, at_us: int) -> "Models":
        """Only those trained on what was known at a moment: none tells of a past what came after it."""
        return Models(
            self.behaviour if self.behaviour and self.behaviour.at_us <= at_us else None,
            self.heads if self.heads and self.heads.at_us <= at_us else None,
            self.vector if self.vector and self.vector.at_us <= at_us else None,
            self.reviews,
        )


@dataclass(frozen=True, slots=True)
class Outlook:
    """Parts of a profile that models give; what is not known is empty."""

    intent: tuple[Intent, ...] = ()
    next_items: tuple[NextItem, ...] = ()
    traits: tuple[Trait, ...] = ()
    expected: Expected | None = None
    embedding: Embedding | None = None
    sentiment: float | None = None


def read_outlook(
    models: Models,
    events: Sequence[LoggedEvent],
    state: State,
    catalogue: Catalogue,
    facets: Sequence[Facet],
    at_us: int,
    *,
    user: User | None = None,
    language: Language = "en",
) -> Outlook:
    """What the models say of the user of these events, none of which is later than `at_us`.

    Only items on sale are next items. A user who refused to be personalised or judged by a model has
    no outlook. Cost: milliseconds, once the models are loaded.
    """
    if user is not None and not user.predictable:
        return Outlook()
    known = models.known_at(at_us)
    history = acts(events, len(catalogue))
    parts: dict[str, object] = {"sentiment": _mood(known.reviews, state, at_us)}
    if known.behaviour is not None and len(history):
        parts["next_items"] = _next_items(known.behaviour, history, catalogue, at_us)
        parts["embedding"] = Embedding(known.behaviour.version_name, known.behaviour.dim)
    if known.heads is not None and len(history):
        source = None if known.vector is None else known.vector.source()
        look = known.heads.look(history, at_us, facets=facets, vectors=source)
        declared = set(user.traits) if user else set()
        spend = read_spend(known.heads, look)
        parts["intent"] = read_intents(known.heads, look, language=language)
        parts["traits"] = read_inferred(known.heads, look, declared=declared)
        if spend is not None:
            parts["expected"] = Expected(spend, known.heads.settings.spend_days, known.heads.version)
    return Outlook(**parts)  # type: ignore[arg-type]


def with_outlook(profile: Profile, outlook: Outlook) -> Profile:
    """The profile with what the models say; a trait that is known already is not inferred again."""
    named = {trait.name for trait in profile.traits}
    traits = tuple(trait for trait in outlook.traits if trait.name not in named)
    needs, value = profile.needs, profile.value
    if outlook.sentiment is not None:
        needs = replace(needs or Needs(), sentiment=outlook.sentiment)
    if outlook.expected is not None and value is not None:
        value = replace(value, expected=outlook.expected)
    return replace(
        profile,
        traits=(*profile.traits, *traits),
        value=value,
        needs=needs,
        intent=outlook.intent,
        next_items=outlook.next_items,
        embedding=outlook.embedding,
    )


def acts(events: Sequence[LoggedEvent], n_items: int) -> Interactions:
    """The acts of one user on items, as the models read them."""
    told = [event for event in events if 0 <= event.item < n_items]
    return Interactions.of(
        np.zeros(len(told), dtype=np.int32),
        [event.item for event in told],
        [ACTION_CODE[event.action] for event in told],
        [event.at_us for event in told],
        [event.value for event in told],
        [event.quantity for event in told],
        n_users=1,
        n_items=n_items,
    )


def _next_items(model: Behaviour, history: Interactions, catalogue: Catalogue, at_us: int) -> tuple[NextItem, ...]:
    """The likeliest items on sale; the score is the chance among all items, by the model's softmax."""
    scores = model.score(history, [0], at_us=at_us)[0].astype(np.float64)
    sold = catalogue.available & catalogue.known
    known = np.arange(len(scores)) < model.n_items
    chance = np.exp(scores - scores[known].max()) * known
    chance /= chance.sum()
    order = np.argsort(-np.where(sold, chance, -1.0), kind="stable")[:NEXT_ITEMS]
    return tuple(
        NextItem(catalogue.item_id[row] or "", catalogue.title[row], float(chance[row]), model.version_name)
        for row in order.tolist()
        if sold[row] and chance[row] > 0
    )


def _mood(head: ReviewHead | None, state: State, at_us: int) -> float | None:
    """Mean chance that the user's reviews are glad, newer ones counting more; None without one that can be read."""
    if head is None or not state.texts:
        return None
    glad = head.sentiment([written.text for written in state.texts])
    age = np.array([at_us - written.at_us for written in state.texts])
    weight = np.exp2(-np.maximum(age, 0) / MOOD_HALF_LIFE_US) * ~np.isnan(glad)
    return float(np.nansum(glad * weight) / weight.sum()) if weight.sum() > 0 else None
