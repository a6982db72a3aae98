"""Consent: what a person lets be done with what is known of them, purpose by purpose, the newest word counting."""

from dataclasses import dataclass

ANALYTICS = "analytics"
"""Keeping and counting what they do. Refused: nothing more is kept, and no profile is read."""
PERSONALISATION = "personalisation"
"""Answers that depend on who asks, and the tags behind them."""
MARKETING = "marketing"
"""Being in the segments and lists of a campaign."""
AUTOMATED = "automated_decisions"
"""Being judged by a model: intents, expected spend, inferred traits."""
PURPOSES = (ANALYTICS, PERSONALISATION, MARKETING, AUTOMATED)

_SAID: dict[str, tuple[str, ...]] = {
    ANALYTICS: ("statistics", "statistical", "measurement", "performance", "profiling", "tracking", "profile", "c0002"),
    PERSONALISATION: (
        "personalise", "personalization", "personalize", "personalised", "personalized", "functional", "c0003",
    ),
    MARKETING: ("advertising", "ads", "advertisement", "targeting", "email_marketing", "c0004"),
    AUTOMATED: ("automated_decision", "automated_decision_making", "automated", "automated_decisionmaking"),
}  # fmt: skip
"""What banners call a purpose; C0002 … are the numbers that OneTrust gives its categories."""
_PURPOSE = {name: purpose for purpose, names in _SAID.items() for name in (purpose, *names)}


@dataclass(frozen=True, slots=True)
class Word:
    """One answer about one purpose. `at_us`: when it was given, `source`: where; `last_us`: when last repeated."""

    purpose: str
    given: bool
    at_us: int
    source: str
    last_us: int | None = None


def purpose_of(name: str) -> str:
    """The purpose that a consent banner's category means; a name that is none of ours stays as it is."""
    return _PURPOSE.get(name.strip().casefold().replace("-", "_").replace(" ", "_"), name)
