"""What the rule builder calls things: fields in groups, their further parts, comparisons, values."""

from collections.abc import Sequence

from mien.core.event import ACTIONS
from mien.features.windows import WINDOWS
from mien.profiles.rule import OPERATORS
from mien.profiles.segments import QUINTILES, VALUES
from mien.profiles.wording import FACETS, LIFECYCLES
from mien.report.wording import intent_name
from mien.shop.segments import Field
from mien.web.look.visit import Visit

Choices = list[tuple[str, str]]
NAMED = ("=", "!=", "in")


def groups(visit: Visit, fields: Sequence[Field]) -> list[tuple[str, Choices]]:
    """What a line may be about, in named groups; counts and recency are one choice each (`parts_of` has the rest)."""
    names = [one.name for one in fields]
    found = [("", [("", visit.say("choose_field"))])]
    found.append((visit.say("group_tags"), [(name, facet(visit, name)) for name in names if name.startswith("tag.")]))
    traits = [(name, name.partition(".")[2]) for name in names if name.startswith("trait.")]
    found.append((visit.say("group_traits"), [*traits, ("lifecycle", visit.say("f_lifecycle"))]))
    acts = [("count", visit.say("f_count")), ("recency", visit.say("f_recency"))]
    found.append((visit.say("group_acts"), acts))
    values = [(name, visit.say(f"f_{name}")) for name in VALUES if name != "recency"]
    found.append((visit.say("group_value"), values))
    found.append((visit.say("group_rfm"), [(f"rfm.{part}", visit.say(f"f_{part}")) for part in QUINTILES]))
    intents = [
        (name, intent_name(name.partition(".")[2], visit.language)) for name in names if name.startswith("intent.")
    ]
    found.append((visit.say("group_intents"), intents))
    return [(group, choices) for group, choices in found if choices]


def facet(visit: Visit, name: str) -> str:
    """A tag's facet for people."""
    plain = name.partition(".")[2]
    return FACETS[visit.language].get(plain, plain)


def main_field(name: str) -> str:
    """The choice of `groups` that a field belongs to."""
    kind = name.partition(".")[0]
    return kind if kind in ("count", "recency") else name


def parts_of(visit: Visit, name: str) -> list[tuple[str, Choices, str]]:
    """What has to be chosen beside the field: label, choices, and the one that stands."""
    kind, _, rest = name.partition(".")
    actions = [(str(action), visit.say(f"act_{action}")) for action in ACTIONS]
    if kind == "count":
        action, _, window = rest.rpartition(".")
        every = [("events", visit.say("f_anything")), *actions]
        windows = [(window_, visit.say(f"w_{window_}")) for window_ in WINDOWS]
        return [(visit.say("rule_action"), every, action), (visit.say("rule_window"), windows, window)]
    if kind == "recency":
        return [(visit.say("rule_action"), [("", visit.say("f_anything")), *actions], rest)]
    return []


def with_part(name: str, place: int, part: str) -> str:
    """The field with one of its parts chosen anew."""
    kind, _, rest = name.partition(".")
    if kind == "recency":
        return f"recency.{part}" if part else "recency"
    action, _, window = rest.rpartition(".")
    return f"count.{part}.{window}" if place == 0 else f"count.{action}.{part}"


def op_choices(known: Field | None) -> Sequence[str]:
    """How a field is compared."""
    if known is None or known.kind == "number" or known.name.startswith("trait."):
        return OPERATORS
    return NAMED


def value_name(visit: Visit, name: str, value: str) -> str:
    """A value for people."""
    return LIFECYCLES[visit.language].get(value, value) if name == "lifecycle" else value
