"""What the heads of a shop foretell, and from how much."""

from dataclasses import dataclass, field

from mien.core.errors import UsageError

SENSITIVE: dict[str, tuple[str, ...]] = {
    "religion": ("religion", "religious", "faith", "church", "宗教", "信仰", "教派"),
    "health": (
        "health",
        "disease",
        "diagnosis",
        "disability",
        "medical",
        "medication",
        "pregnan",
        "健康",
        "疾病",
        "病史",
        "残疾",
        "残障",
        "医疗",
        "怀孕",
        "孕期",
    ),
    "ethnicity": ("ethnic", "race", "racial", "nationality", "民族", "种族", "族裔", "国籍"),
    "orientation": ("orientation", "sexual", "sex_life", "lgbt", "性取向", "性生活"),
    "politics": ("politic", "party", "vote", "政治", "政党", "党派"),
    "union": ("union", "工会"),
    "biometrics": ("biometric", "fingerprint", "face_id", "genetic", "dna", "生物识别", "指纹", "人脸", "基因"),
    "crime": ("crime", "criminal", "conviction", "犯罪", "前科"),
    "immigration": ("immigra", "citizenship", "移民", "公民身份"),
}
"""Kind of attribute → what a trait of it may be called. Sources: GDPR Art. 9 and 10; PIPL Art. 28."""


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """Settings of the heads."""

    purchase_days: tuple[int, ...] = field(
        default=(7, 14, 28), metadata={"help": "days within which a purchase is foretold, one head each"}
    )
    churn_days: int = field(
        default=14, metadata={"help": "days without a purchase that are churn, for users active before"}
    )
    active_days: int = field(default=28, metadata={"help": "who bought in so many days counts as active"})
    spend_days: int = field(default=28, metadata={"help": "days whose spend is expected"})
    categories: int = field(default=50, metadata={"help": "how many of the most bought categories are foretold"})
    shown_categories: int = field(default=3, metadata={"help": "how many of a user's likeliest categories are shown"})
    category_days: int = field(default=14, metadata={"help": "days within which a purchase in a category is foretold"})
    stacks: int = field(default=6, metadata={"help": "most training windows, 14 days apart, the newest ending now"})
    pair_rows: int = field(default=150_000, metadata={"help": "most pairs of user and category to learn from"})
    least: int = field(
        default=50, metadata={"help": "fewest rows of each label, learnt from and held out, that a head needs"}
    )
    reasons: int = field(default=3, metadata={"help": "most reasons given for an intent"})
    infer_traits: bool = field(default=True, metadata={"help": "infer declared traits for those who declared none"})
    trait_confidence: float = field(default=0.7, metadata={"help": "least probability with which a trait is inferred"})
    trait_values: int = field(default=8, metadata={"help": "most values of a trait that is worth inferring"})
    allow_sensitive: tuple[str, ...] = field(
        default=(), metadata={"help": "names of sensitive traits that may be inferred all the same"}
    )

    def __post_init__(self) -> None:
        days = (*self.purchase_days, self.churn_days, self.active_days, self.spend_days, self.category_days)
        if min(days, default=1) < 1 or min(self.stacks, self.least, self.pair_rows, self.trait_values) < 1:
            raise UsageError("Heads need days, stacks, least, pair_rows and trait_values of 1 or more.")
        if not 0 < self.trait_confidence <= 1:
            raise UsageError(
                "trait_confidence must lie in (0, 1], not {trait_confidence:g}.", trait_confidence=self.trait_confidence
            )


def sensitive_kind(trait: str) -> str | None:
    """The kind of sensitive attribute that a trait of this name may be, in English or Chinese; None: none known.

    A name is matched by its parts ("political_views", "宗教信仰"), so that rather too much is held back.
    """
    name = trait.lower().replace(" ", "_").replace("-", "_")
    for kind, words in SENSITIVE.items():
        if any(word in name for word in words):
            return kind
    return None
