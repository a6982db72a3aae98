"""What may be set about reading a profile."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mien.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """How a profile is read. Each has a default that fits a shop; see docs/profiles.md."""

    tags_per_facet: int = 10
    """Most tags shown per facet, and per level of the category."""
    min_weight: float = 0.01
    """A tag needs at least this share of the user's behaviour within its facet, 0 … 1."""
    prior_strength: float = 10.0
    """κ: how many events the population's opinion weighs in the confidence of a tag."""
    expires_days: float = 180.0
    """A tag without support for this long is no longer shown."""
    expires_days_by_facet: Mapping[str, float] = field(default_factory=dict)
    """The same for single facets, by name."""
    evidence: int = 5
    """Most event ids named per tag, newest first."""
    queries: int = 10
    """Most queries shown."""
    topics: int = 10
    """Most words of reviews shown."""
    needs_half_life_days: float = 30.0
    """Queries and words of reviews count half after this long."""
    trait_confidence: float = 0.9
    """An inferred trait is shown from this probability on."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_weight <= 1.0 or not 0.5 <= self.trait_confidence < 1.0:
            raise UsageError("min_weight lies between 0 and 1, trait_confidence between 0.5 and 1.")
        days = [self.expires_days, self.needs_half_life_days, *self.expires_days_by_facet.values()]
        if self.prior_strength <= 0 or min(days) <= 0:
            raise UsageError("prior_strength and the numbers of days must be above 0.")
        if min(self.tags_per_facet, self.evidence, self.queries, self.topics) < 0:
            raise UsageError("How many tags, event ids, queries and topics to show cannot be negative.")

    def expiry_days(self, facet: str) -> float:
        """After how many days without support a tag of the facet expires."""
        return self.expires_days_by_facet.get(facet, self.expires_days)
