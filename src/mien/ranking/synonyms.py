"""Synonyms of a shop: what else a query for one thing may find, from a text file."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mien.core.errors import SourceError
from mien.core.words import Word, query_words

SYNONYM = 0.8
"""What a synonym counts beside the word that was typed."""
ONE_WAY = "=>"

Terms = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Terms as typed → the other terms that will do. Chinese and English alike, one word or several."""

    others: dict[Terms, tuple[Terms, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[str], where: str = "synonyms") -> "Synonyms":
        """A line is `a, b, c` (each finds the others) or `a, b => c` (a and b find c as well; c only c).

        What follows # is a remark. Raises `SourceError` for a line that is neither.
        """
        found: dict[Terms, dict[Terms, None]] = {}
        for number, line in enumerate(lines, start=1):
            text = line.partition("#")[0].strip()
            if not text:
                continue
            left, arrow, right = text.partition(ONE_WAY)
            typed, meant = _listed(left), _listed(right) if arrow else _listed(left)
            if not typed or not meant or (not arrow and len(typed) < 2):
                raise SourceError(
                    "This is no line of synonyms. Write “a, b, c” for words that find each other, or “a => b” where a "
                    "also finds b.", path=where, row=number,
                )  # fmt: skip
            for one in typed:
                found.setdefault(one, {}).update({other: None for other in meant if other != one})
        return cls({one: tuple(others) for one, others in found.items()})

    @classmethod
    def read(cls, path: Path) -> "Synonyms":
        """Those of a UTF-8 file; none where there is no file."""
        try:
            return cls.of(path.read_text(encoding="utf-8-sig").splitlines(), str(path))
        except FileNotFoundError:
            return cls()
        except UnicodeDecodeError:
            raise SourceError("The synonyms are not UTF-8. Save the file as UTF-8.", path=path) from None

    def applied(self, words: list[Word]) -> list[Word]:
        """The words, each run of them that has synonyms as one word with those as further ways; longest runs first."""
        if not self.others:
            return words
        longest, found, k = max(map(len, self.others)), [], 0
        while k < len(words):
            for n in range(min(longest, len(words) - k), 0, -1):
                others = self.others.get(tuple(word.term for word in words[k : k + n]))
                if others:
                    found.append(with_ways(words[k : k + n], others, SYNONYM))
                    k += n
                    break
            else:
                found.append(words[k])
                k += 1
        return found


def with_ways(words: list[Word], others: Iterable[Terms], weight: float) -> Word:
    """Some neighbouring words as one, which `others` will do for as well."""
    first, ways = words[0], tuple((weight, other) for other in others)
    if len(words) == 1:
        return replace(first, ways=(*first.ways, *ways))
    own = (1.0, tuple(word.term for word in words))
    between = "" if all(word.han for word in words) else " "
    surface = between.join(word.surface for word in words)
    return Word(surface, surface, any(word.han for word in words), (own, *ways))


def _listed(text: str) -> list[Terms]:
    parts = text.replace("，", ",").replace("、", ",").split(",")
    terms = [tuple(word.term for word in query_words(part)) for part in parts]
    return [one for one in dict.fromkeys(terms) if one]
