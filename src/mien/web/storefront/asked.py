"""A search as its address says it, and back: `/search?q=milk&brand=Acme&price=2..5&sort=price_up&from=24`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from mien.core.item import CATEGORY_SEPARATOR
from mien.core.query import PRICE, SORTS
from mien.core.tables import ITEM
from mien.ranking.limits import written

OWN = ("q", "sort", "from", "words")
"""What an address says beside filters."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for. `first`: results before the first one shown; `words`: parts of the text to read as words."""

    text: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = SORTS[0]
    first: int = 0
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: QueryParams) -> "Search":
        """The search of an address; what it says wrongly of order and place is passed over."""
        filters: dict[str, tuple[str, ...]] = {}
        for name, value in asked.multi_items():
            if name not in OWN and value:
                filters[name] = (*filters.get(name, ()), value)
        sort, first = asked.get("sort", SORTS[0]), asked.get("from", "0")
        return cls(
            asked.get("q", "").strip(),
            filters,
            sort if sort in SORTS else SORTS[0],
            int(first) if first.isdecimal() and len(first) < 6 else 0,
            tuple(asked.getlist("words")),
        )

    def address(self) -> str:
        """The address that says the same."""
        pairs = [("q", self.text)] if self.text else []
        pairs += [(name, value) for name, values in self.filters.items() for value in values]
        pairs += [("words", one) for one in self.words]
        pairs += [("sort", self.sort)] if self.sort != SORTS[0] else []
        pairs += [("from", str(self.first))] if self.first else []
        return f"/search?{urlencode(pairs)}"

    def toggled(self, facet: str, value: str) -> "Search":
        """With a value of a facet, or without it where it was there; from the first result again.

        A step of the category takes the place of those above and below it: of values of one facet any will do.
        """
        held = self.filters.get(facet, ())
        if value in held:
            return self.having(facet, tuple(one for one in held if one != value))
        kept = tuple(one for one in held if facet != ITEM.CATEGORY or not (_within(one, value) or _within(value, one)))
        return self.having(facet, (*kept, value))

    def having(self, facet: str, values: tuple[str, ...]) -> "Search":
        """With exactly these values of a facet."""
        filters = {name: held for name, held in self.filters.items() if name != facet}
        return replace(self, filters=filters | ({facet: values} if values else {}), first=0)

    def priced(self, low: str, high: str) -> "Search":
        """Within a range of prices; an empty end is open, and no end at all is no filter."""
        ends = [_number(low), _number(high)]
        return self.having(PRICE, (f"{ends[0]}..{ends[1]}",) if any(ends) else ())


def _within(path: str, above: str) -> bool:
    return path.startswith(above + CATEGORY_SEPARATOR)


def _number(text: str) -> str:
    text = text.strip().replace(",", ".")
    try:
        return written(max(0.0, float(text))) if text and len(text) < 12 else ""
    except ValueError:
        return ""
