"""Understanding: what of a query is more than words. A price limit filters; category, brand and colour count more.

A category or a brand stays a word of the search as well, so that a wrong guess never hides what was asked for. What was
understood is told in the answer, and a question may take any of it as mere words (`Query.literal`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from mien.core.item import CATEGORY_SEPARATOR, TEXT_FACETS, Facet
from mien.core.query import PRICE, Query, Understood
from mien.core.tables import ITEM
from mien.core.words import RUN, Word, is_han, normalise, query_words
from mien.ranking.colours import colours
from mien.ranking.limits import Limit, price_limit
from mien.ranking.wanted import MAX_QUERY

LONGEST = 5
"""Words of the longest name that is looked for; characters: twice as many."""
_NOT_NAMES = "other others misc none unknown general new sale all set pack private national 其他 其它 默认"
NOT_NAMES = frozenset(_NOT_NAMES.split())
"""What shops call a value that names nothing."""

Place = tuple[int, int]
"""A facet of the lexicon and the code of a value in it."""


@dataclass(frozen=True, eq=False)
class Meaning:
    """What was understood. `text`: what is left to search for; `limit`: the price asked for.

    `places`: for each facet named, the values that will do, as (facet, code); `told`: what the answer says.
    """

    text: str
    limit: Limit | None = None
    places: tuple[tuple[Place, ...], ...] = ()
    told: tuple[Understood, ...] = ()


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The names of the shop's own categories, brands and colours, by their words. Made once; read by many threads."""

    facets: tuple[Facet, ...]

    def warm(self) -> None:
        """Make what is made at first need."""
        _ = self._named

    @cached_property
    def _named(self) -> tuple[dict[tuple[str, ...], list[Place]], dict[str, list[Place]]]:
        """By stems for names in letters, by characters for Chinese ones. Cost: 10 µs a value."""
        stems: dict[tuple[str, ...], list[Place]] = {}
        characters: dict[str, list[Place]] = {}
        for at, facet in enumerate(self.facets):
            if facet.name not in TEXT_FACETS:
                continue
            for code, value in enumerate(facet.values):
                for name, terms in _cut(facet.name, value):
                    if not terms:
                        characters.setdefault(name, []).append((at, code))
                    else:
                        stems.setdefault(terms, []).append((at, code))
        return stems, characters

    def find(self, words: Sequence[Word]) -> Iterator[tuple[str, list[Place]]]:
        """Names among the words, the longest first at each place: as they are written, and what they name."""
        stems, characters = self._named
        k = 0
        while k < len(words):
            for n in range(min(LONGEST, len(words) - k), 0, -1):
                part = words[k : k + n]
                if all(word.han for word in part):
                    text = "".join(word.surface for word in part)
                    found = characters.get(text)
                else:
                    text = " ".join(word.surface for word in part)
                    found = stems.get(tuple(word.term for word in part))
                if found:
                    yield text, found
                    k += n
                    break
            else:
                k += 1


def without_price(query: Query, priced: bool) -> Meaning:
    """The text without its price limit. `priced`: whether the shop knows prices at all."""
    text = normalise(query.text[:MAX_QUERY])
    found = price_limit(text) if query.understand and priced and PRICE not in query.filters else None
    if found is None or _is_literal(query, PRICE, found[0].text):
        return Meaning(query.text)
    limit, start, end = found
    rest = " ".join(f"{text[:start]} {text[end:]}".split())
    return Meaning(rest, limit, told=(Understood(PRICE, limit.written(), limit.text),))


def with_names(meaning: Meaning, query: Query, words: Sequence[Word], lexicon: Lexicon) -> Meaning:
    """The meaning with the categories, brands and colours that the words name."""
    if not query.understand:
        return meaning
    told, places = list(meaning.told), []
    for text, found in lexicon.find(words):
        for name in dict.fromkeys(lexicon.facets[at].name for at, _ in found):
            here = tuple((at, code) for at, code in found if lexicon.facets[at].name == name)
            if not _is_literal(query, name, text):
                told.append(Understood(name, _shown(lexicon, here), text))
                places.append(here)
    return replace(meaning, places=tuple(places), told=tuple(told))


def _is_literal(query: Query, facet: str, text: str) -> bool:
    return any(normalise(one) in (facet, text) for one in query.literal)


def _shown(lexicon: Lexicon, places: tuple[Place, ...]) -> str:
    """The value; of several categories of one name that name."""
    values = [lexicon.facets[at].values[code] for at, code in places]
    return values[0] if len(values) == 1 else values[0].rsplit(CATEGORY_SEPARATOR, 1)[-1]


@lru_cache(maxsize=1 << 17)
def _cut(facet: str, value: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The names of a value: in Chinese their characters, in letters their stems. Cut once: a shop changes by little."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for name in _names(facet, value):
        if is_han(name):
            found.append((name.replace(" ", ""), ()))
        elif key := tuple(word.term for word in query_words(name)):
            found.append(("", key))
    return tuple(found)


def _names(facet: str, value: str) -> Iterator[str]:
    """What a shopper may call a value."""
    own = " ".join(RUN.findall(normalise(value.rsplit(CATEGORY_SEPARATOR, 1)[-1])))
    if facet == ITEM.COLOUR:
        names = colours().get(own, ())
        yield from dict.fromkeys((own, *names))
    elif len(own) > 1 and not own.isnumeric() and own not in NOT_NAMES:
        yield own
