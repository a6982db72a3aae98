"""From fitted heads to the parts of a profile: intents with reasons, expected spend, inferred traits."""

from collections.abc import Collection

import numpy as np

from mien.core.profile import Intent, Trait
from mien.models.heads.heads import Heads, Look
from mien.models.heads.wording import Language, reasons

SEVERAL = 5
"""Contributions looked at for each reason shown, so that near doubles can be passed over."""


def read_intents(heads: Heads, look: Look, row: int = 0, *, language: Language = "en") -> tuple[Intent, ...]:
    """What user `row` of `look` is likely to do: purchases, churn while active, and the likeliest categories.

    Names: `purchase_7d`, `churn_14d`, `category=<value>`. A user without a history has none. Cost: milliseconds.
    """
    if not look.known[row]:
        return ()
    intents = []
    for name, head in heads.users.items():
        if name.startswith("churn") and not look.recency_days[row] <= heads.settings.active_days:
            continue
        values = look.values[row : row + 1]
        chance, told = head.explained(values)
        strongest = head.reasons(values[0], SEVERAL * heads.settings.reasons, told=told[0])
        words = reasons(language, strongest, heads.settings.reasons)
        intents.append(Intent(name, float(chance[0]), heads.version, words))
    return (*intents, *_categories(heads, look, row, language))


def read_spend(heads: Heads, look: Look, row: int = 0) -> float | None:
    """Money that user `row` is expected to spend in the next `spend_days`; None where there is no such head."""
    if heads.spend is None or not look.known[row]:
        return None
    return float(heads.spend.expected(look.values[row : row + 1])[0])


def read_inferred(heads: Heads, look: Look, row: int = 0, *, declared: Collection[str] = ()) -> tuple[Trait, ...]:
    """Traits of user `row` that are sure enough, marked `inferred`; never one that the user declared themself.

    Empty where `infer_traits` is off, also for heads fitted while it was on.
    """
    if not heads.settings.infer_traits or not look.known[row]:
        return ()
    found = []
    for head in heads.traits:
        if head.name in declared:
            continue
        chances = head.probabilities(look.values[row : row + 1])[0]
        best = int(chances.argmax())
        if chances[best] >= heads.settings.trait_confidence:
            confidence = float(chances[best])
            found.append(Trait(head.name, head.values[best], "inferred", confidence=confidence, version=heads.version))
    return tuple(found)


def _categories(heads: Heads, look: Look, row: int, language: Language) -> list[Intent]:
    if heads.category is None or look.pairs is None:
        return []
    n, model = look.pairs.n_labels, heads.category.model
    values = look.pairs.only(model.names).values[row * n : (row + 1) * n]
    chances = model.probabilities(values)
    best = np.argsort(-chances, kind="stable")[: heads.settings.shown_categories]
    told = model.contributions(values[best])
    intents = []
    for k, place in enumerate(best.tolist()):
        strongest = model.reasons(values[place], SEVERAL * heads.settings.reasons, told=told[k])
        words = reasons(language, strongest, heads.settings.reasons)
        intents.append(Intent(f"category={heads.category.names[place]}", float(chances[place]), heads.version, words))
    return intents
