"""What a query wants: its words, put right where no item holds them, with their synonyms."""

from collections.abc import Callable
from dataclasses import dataclass, field

from mien.core.words import QUERY_STOP_WORDS, Word, in_dictionary, normalise, once, pairs, query_words, words_in_order
from mien.ranking.indexing import Words
from mien.ranking.options import SearchOptions
from mien.ranking.synonyms import Synonyms

Count = Callable[[tuple[str, ...]], int]
"""How many items hold all of some terms."""
MAX_QUERY = 400
"""Characters of a query that are read; what follows is ignored."""
MAX_WORDS = 12
WINDOW = 4
"""Most pieces that a misspelt Chinese word may have been cut into."""
PUT_RIGHT = 0.9
"""What a Chinese word put right counts beside what was typed."""
RARER = 4
"""How much rarer than the word put right the typed one must be; counted too often, as its pairs may stand apart."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`words` in order; `corrected`: the query as it was understood where a word was unknown, otherwise None."""

    words: list[Word]
    corrected: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How queries are read. `stops`: normalised words that need not be found."""

    synonyms: Synonyms = field(default_factory=Synonyms)
    stops: frozenset[str] = QUERY_STOP_WORDS
    typos: bool = True

    @classmethod
    def of(cls, options: SearchOptions, synonyms: Synonyms | None = None) -> "Reading":
        """As the settings have it."""
        stops = QUERY_STOP_WORDS | {normalise(word) for word in options.stop_words}
        return cls(synonyms or Synonyms(), stops, options.typos)


def wanted(text: str, reading: Reading, words: Words, count: Count) -> Wanted:
    """The words of a text; `count`: how many items hold some terms. Any text will do."""
    text = normalise(text[:MAX_QUERY])
    found = words_in_order(text)
    if reading.typos:  # before stop words go: a swapped character may have made one
        found, corrected = _joined(found, text, words, count)
    else:
        corrected = text
    found = once(found)
    found = ([word for word in found if word.surface not in reading.stops] or found)[:MAX_WORDS]
    found = reading.synonyms.applied(found)  # first: what the shop itself calls a word is no typo
    if reading.typos:
        right, respelt = _spelt(found, corrected, words, count)
        found = reading.synonyms.applied(right) if respelt != corrected else right
        corrected = respelt
    return Wanted(found, corrected if corrected != text else None)


def _spelt(found: list[Word], text: str, words: Words, count: Count) -> tuple[list[Word], str]:
    """Words that no item holds replaced by the nearest known ones, and the text with them."""
    better = []
    for word in found:
        known = word.han or word.ways or word.surface in words.counts or count((word.term,))
        near = None if known else words.latin.nearest(word.surface)
        if near is None:
            better.append(word)
            continue
        text = " ".join(near if part == word.surface else part for part in text.split())
        better += query_words(near)
    return better, text


def _joined(found: list[Word], text: str, words: Words, count: Count) -> tuple[list[Word], str]:
    """Neighbouring Chinese pieces that are together a known word misspelt: that word will do as well.

    Only where what was typed is rare beside that word.
    """
    k, better = 0, []
    while k < len(found):
        for n in range(min(WINDOW, len(found) - k), 0, -1):
            part = found[k : k + n]
            typed = "".join(word.surface for word in part)
            near = _misspelt(typed, part, text, words, count)
            if near:
                ways = (1.0, tuple(pairs(typed))), *((PUT_RIGHT, (word,)) for word in near)
                better.append(Word(typed, typed, True, ways))
                text = text.replace(typed, near[0])
                k += n
                break
        else:
            better.append(found[k])
            k += 1
    return better, text


def _misspelt(typed: str, part: list[Word], text: str, words: Words, count: Count) -> list[str]:
    """The known words that may be meant, most frequent first, or none: what the dictionary has is no typo, whatever
    these goods are called (手套, gloves, is not 手机套, a case for a phone)."""
    if not all(word.han for word in part) or len(typed) < 2 or typed in words.han.place or typed not in text:
        return []
    if len(part) == 1 and in_dictionary(typed):
        return []
    near = words.han.nearest(typed)
    held = count(tuple(pairs(typed))) if near else 0
    return [word for word, n in near if held * RARER <= n]
