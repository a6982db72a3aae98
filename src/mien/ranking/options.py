"""What may be set about ranking."""

from dataclasses import dataclass, field

from mien.core.errors import UsageError
from mien.core.words import is_han
from mien.ranking.kind import Again

TIER_STEP = 60.0
"""How far apart the tiers of text matches stand."""
MAX_WEIGHTS = 11.0
"""Most that all weights together may be. Diversity and caps then move down by 30 at most, boosts by 5 up or down: an
item still keeps above a lower tier."""
MOST_UNDERSTOOD = 0.9
"""Most that being what a query names may count, beside the weights, for the same reason."""
PIN_STEP = 1_000.0
"""What lifts a pinned item above everything that is not pinned."""


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """The weights of the blend and its rules. Each term is scaled to 0 … 1 and multiplied by its weight."""

    text: float = 1.0
    """How well the words of the query match (BM25 against the best match)."""
    meaning: float = 0.35
    """How near the item lies to the query in the space of the content encoder; without vectors nothing."""
    meaning_chinese: float = 0.7
    """The same for a query with Chinese characters."""
    popular: float = 1.0
    """How much everybody did with the item lately (logarithm, against the most popular one)."""
    repeat: float = 4.0
    """How often and how lately the user bought the item."""
    seen: float = 1.0
    """How much the user looked at the item or put it in the cart lately, without buying."""
    neighbour: float = 0.4
    """How much people who share the user's items share this one."""
    behaviour: float = 0.4
    """How much the trained behaviour model expects the item next; without one nothing."""
    tag: float = 0.5
    """How much of what the item is (category, brand, …) the user likes, over all facets."""
    reranker: str = ""
    """A cross-encoder that reads query and item together: a model's name on the hub or its folder; none: off."""
    reranker_weight: float = 0.5
    """How much the verdict of the reranker counts."""
    reranker_top: int = 50
    """How many of the best results the reranker reads."""
    meaning_candidates: int = 1_000
    """Of how many of the best text matches the meaning is compared."""
    nearest: int = 50
    """Where fewer items than this hold every word, so many of the nearest by meaning follow; 0: none."""
    candidates: int = 10_000
    """Most text matches that are ranked."""
    sources: int = 50
    """Of how many of the user's items the neighbours are looked up, strongest first."""
    popular_candidates: int = 500
    """How many of the most popular items are always candidates of a recommendation."""
    alike_candidates: int = 100
    """How many popular items of each of the user's favourite leaf categories are candidates."""
    same_category: int = 3
    """Most items of one leaf category before other categories come first, in recommendations; 0: no limit."""
    same_category_search: int = 0
    """The same in a search, where one category is often just what was asked for."""
    bought: float = 1.0
    """How far below others stands what was bought and is not bought again, or not yet."""
    bought_again: Again = "learned"
    """Whether what the user has bought is shown again: true, false where nothing is bought twice, or as learned."""
    once_share: float = 0.05
    """Where fewer buyers than this buy an item again, what was bought is held back."""
    durable_share: float = 0.05
    """Where fewer buyers than this buy anything of its category again, the whole category is."""
    new_days: float = 30.0
    """How long an item counts as new."""
    fill_empty: bool = True
    """Whether a search that nothing matches shows recommendations, and says so, instead of nothing."""
    facet_values: int = 20
    """Most values listed per facet of a search."""
    pins: tuple[str, ...] = ()
    """Item ids that stand first, in this order, wherever they are among the candidates."""

    def __post_init__(self) -> None:
        reranker = self.reranker_weight if self.reranker else 0.0
        words = (self.text, max(self.meaning, self.meaning_chinese), reranker)
        weights = (*words, self.popular, self.repeat, self.seen, self.neighbour, self.tag, self.bought, self.behaviour)
        if min(*weights, self.meaning, self.meaning_chinese) < 0 or sum(weights) > MAX_WEIGHTS:
            raise UsageError(
                "The weights of the blend must not be negative and must sum to {max_weights:g} or less.",
                max_weights=MAX_WEIGHTS,
            )
        if not all(0 <= one <= 1 for one in (self.bought, self.once_share, self.durable_share)) or self.new_days <= 0:
            raise UsageError("bought, once_share and durable_share lie between 0 and 1, new_days above 0.")
        numbers = (self.popular_candidates, self.alike_candidates, self.meaning_candidates, self.reranker_top)
        limits = (self.candidates, self.sources, self.facet_values, *numbers)
        if min(limits) < 1 or min(self.same_category, self.same_category_search, self.nearest) < 0:
            raise UsageError(
                "Numbers of candidates and facet values must be 1 or more, limits of categories 0 or more."
            )

    def meaning_for(self, text: str) -> float:
        """The weight of meaning for a query."""
        return self.meaning_chinese if is_han(text) else self.meaning


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How texts are searched: what counts in which field, what need not be found, what is read out of a query."""

    title: float = field(default=3.0, metadata={"help": "how much a word counts in the title"})
    category: float = field(default=1.5, metadata={"help": "how much a word counts in the category"})
    brand: float = field(default=1.5, metadata={"help": "how much a word counts in the brand"})
    description: float = field(default=1.0, metadata={"help": "how much a word counts in the description"})
    attributes: float = field(default=1.0, metadata={"help": "how much a word counts in the values of attributes"})
    stop_words: tuple[str, ...] = field(
        default=(), metadata={"help": "words of this shop that a query need not find, beside those of the language"}
    )
    synonyms: str = field(default="synonyms.txt", metadata={"help": "file of synonyms, in the workspace"})
    judgements: str = field(
        default="judgements.csv", metadata={"help": "file of judged pairs that training learns from, in the workspace"}
    )
    typos: bool = field(default=True, metadata={"help": "whether a word that no item holds is put right"})
    understand: bool = field(
        default=True, metadata={"help": "whether category, brand, colour and price limits are read out of a query"}
    )
    understood: float = field(
        default=0.5, metadata={"help": "how much it counts that an item is of the category, brand or colour named"}
    )
    query_days: float = field(default=90.0, metadata={"help": "of how many days queries are offered as completions"})
    query_users: int = field(
        default=3, metadata={"help": "how many users must have typed a query before it is offered to others"}
    )

    def __post_init__(self) -> None:
        if min(self.weights) < 0 or not any(self.weights):
            raise UsageError("The weights of the text fields must not be negative, and one must be above 0.")
        if not 0 <= self.understood <= MOST_UNDERSTOOD or self.query_days <= 0 or self.query_users < 1:
            raise UsageError(
                "search.understood must be between 0 and {most_understood}, search.query_days above 0 "
                "and search.query_users 1 or more.",
                most_understood=MOST_UNDERSTOOD,
            )

    @property
    def weights(self) -> tuple[float, ...]:
        """In the order of `indexing.FIELDS`."""
        return (self.title, self.category, self.brand, self.description, self.attributes)
