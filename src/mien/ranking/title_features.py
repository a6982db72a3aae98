"""How a text answers a query, in numbers: what a learned ranker of texts reads, for many candidates of one query.

Words are compared as stems. Beside equal words there are near ones: every word of the query is compared with every word
of the text by letters and, where word vectors are given, by meaning, and the nearest counts (late interaction; Khattab
and Zaharia, ColBERT, SIGIR 2020, here over whole words).
"""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.ids import Rows
from mien.core.words import HAN, QUERY_STOP_WORDS, normalise, stem

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]
K1, B = 1.2, 0.75
"""Of BM25 (Robertson and Zaragoza, 2009)."""
NOT_HEAD = re.compile(r"(?<![\d.])\s+(?:with|for|in|w/)\s|[(;]|,(?!\d)|\s[-–]\s")
"""Where what a good is ends and how it is begins; “in” behind a number is an inch."""
PART = re.compile(rf"\d+(?:[./]\d+)*|[{HAN}]|[^\W\d_{HAN}]+")
"""Numbers with their fractions, Chinese characters, words: “18v” is two parts, “1/2” is one."""
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
MARKS = (("''", " in "), ('"', " in "), ("”", " in "), ("#", " "))
UNITS = {
    "inch": "in", "inches": "in", "foot": "ft", "feet": "ft", "pound": "lb", "pounds": "lb", "lbs": "lb", "ounce": "oz",
    "ounces": "oz", "gallon": "gal", "gallons": "gal", "quart": "qt", "quarts": "qt", "volt": "v", "volts": "v",
    "watt": "w", "watts": "w", "amp": "a", "amps": "a", "ampere": "a", "yard": "yd", "yards": "yd", "square": "sq",
    "cubic": "cu", "piece": "pc", "pieces": "pc", "pcs": "pc", "millimeter": "mm", "centimeter": "cm", "liter": "l",
    "litre": "l", "liters": "l", "litres": "l", "inchs": "in", "tv": "television", "ac": "conditioner",
}  # fmt: skip
"""One name for each unit."""
STOPS = QUERY_STOP_WORDS | {"in", "x", "w"}
LONGEST = 40
"""Words of a text that are read."""
MOST_ASKED = 12
"""Words of a query that are read."""
PAD = -1


def parts(text: str) -> list[str]:
    """The words and numbers of a text, normalised, each unit by one name; not stemmed."""
    plain = THOUSANDS.sub("", normalise(text))
    for mark, word in MARKS:
        plain = plain.replace(mark, word)
    return [UNITS.get(part, part) for part in PART.findall(plain)]


@dataclass(frozen=True, eq=False)
class Asked:
    """A query as the features read it. `terms (m,)`: codes of its words, −1 for one that no text holds."""

    terms: Codes
    stems: tuple[str, ...]
    words: tuple[str, ...]
    numbers: npt.NDArray[np.bool_]
    head: int
    """Place of the word that names the good."""
    said: str
    """The query as it was understood, corrections made."""


class Texts:
    """Many short texts, cut into words once. `terms (n, longest) int32`: codes, −1 where a text has ended.

    Cost: some 30 µs a text; memory 4 bytes a word and text of the longest.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.code: dict[str, int] = {}
        self.surface: list[str] = []
        """Code → the word as it was first written."""
        lists = [self._coded(text) for text in texts]
        width = max(map(len, lists), default=1) or 1
        self.terms: Codes = np.full((len(lists), width), PAD, dtype=np.int32)
        self.lengths = np.zeros(len(lists), dtype=np.float32)
        self.heads = np.full(len(lists), -1, dtype=np.int32)
        self._put(range(len(lists)), texts, lists)

    def _put(self, rows: Sequence[int], texts: Sequence[str], lists: Sequence[list[int]]) -> None:
        self.terms[rows] = PAD
        for row, text, words in zip(rows, texts, lists, strict=True):
            self.terms[row, : len(words)] = words
            self.lengths[row], self.heads[row] = len(words), self._head(text, words)

    def _coded(self, text: str) -> list[int]:
        written = parts(text)[:LONGEST]
        codes = [self.code.setdefault(stem(word), len(self.code)) for word in written]
        for word, code in zip(written, codes, strict=True):
            if code == len(self.surface):
                self.surface.append(word)
        return codes

    def with_rows(self, rows: Sequence[int], texts: Sequence[str], n: int) -> "Texts":
        """The texts with others at some rows, of `n` in all; this one stays as it is.

        How rare words are and how long a text is on average stay, too, so that what was learnt of them holds; a new
        word counts as one that a single text holds. Cost: a copy of the arrays.
        """
        after = copy(self)
        after.code, after.surface = dict(self.code), list(self.surface)
        lists = [after._coded(text) for text in texts]
        width = max(self.terms.shape[1], *map(len, lists), 1)
        after.terms = np.full((n, width), PAD, dtype=np.int32)
        after.terms[: len(self), : self.terms.shape[1]] = self.terms
        more = n - len(self)
        after.lengths = np.append(self.lengths, np.zeros(more, dtype=np.float32))
        after.heads = np.append(self.heads, np.full(more, -1, dtype=np.int32))
        after._put(rows, texts, lists)
        once = np.full(len(after.code) - len(self.code), self._rarity(1), dtype=np.float32)
        after.__dict__.update(idf=np.concatenate([self.idf[:-1], once, self.idf[-1:]]), usual=self.usual)
        for made in ("counts", "weights", "words"):
            after.__dict__.pop(made, None)
        return after

    def _rarity(self, held: int) -> float:
        return float(np.log1p((len(self) - held + 0.5) / (held + 0.5)))

    @staticmethod
    def _head(text: str, words: list[int]) -> int:
        """Place of the last word of what the good is; −1 in an empty text."""
        first = next((part for part in NOT_HEAD.split(text) if PART.search(part)), "")
        return min(len(parts(first)), len(words)) - 1

    def __len__(self) -> int:
        return len(self.terms)

    @cached_property
    def words(self) -> list[str]:
        """Code → stem."""
        return list(self.code)

    @cached_property
    def counts(self) -> sp.csr_array:
        """`(n, words)`: how often each text holds each word."""
        row, place = np.nonzero(self.terms != PAD)
        ones = np.ones(len(row), dtype=np.float32)
        return sp.csr_array((ones, (row, self.terms[row, place])), shape=(len(self), len(self.code)))

    @cached_property
    def idf(self) -> Floats:
        """`(words + 1,)`: log(1 + (N − df + ½) / (df + ½)); the last is that of a word no text holds."""
        held = np.append(np.bincount(self.counts.indices, minlength=len(self.code)), 0)
        return np.log1p((len(self) - held + 0.5) / (held + 0.5)).astype(np.float32)

    @cached_property
    def usual(self) -> float:
        """Words of a text on average."""
        return float(self.lengths.mean()) if len(self) else 1.0

    @cached_property
    def weights(self) -> sp.csc_array:
        """`(n, words)`: BM25 of each word in each text, by columns."""
        tf = self.counts.tocoo()
        length = K1 * (1 - B + B * self.lengths[tf.row] / self.usual)
        values = self.idf[tf.col] * tf.data * (K1 + 1) / (tf.data + length)
        return sp.csc_array((values, (tf.row, tf.col)), shape=tf.shape)

    def asked(self, text: str, corrected: Mapping[str, str]) -> Asked:
        """A query in the words of these texts; `corrected`: what stands for a word that none of them holds."""
        said = " ".join(corrected.get(word, word) for word in parts(text))
        found: dict[str, str] = {}
        for word in said.split():
            found.setdefault(stem(word), word)
        words = [(term, word) for term, word in found.items() if word not in STOPS] or list(found.items())
        words = words[:MOST_ASKED]
        codes = np.array([self.code.get(term, PAD) for term, _ in words], dtype=np.int32)
        first = next((part for part in NOT_HEAD.split(normalise(text)) if PART.search(part)), "")
        held = {stem(corrected.get(word, word).split()[-1]) for word in parts(first)}
        head = max((place for place, (term, _) in enumerate(words) if term in held), default=len(words) - 1)
        numbers = np.array([any(map(str.isdigit, word)) for _, word in words], dtype=np.bool_)
        return Asked(codes, tuple(term for term, _ in words), tuple(word for _, word in words), numbers, head, said)

    def bm25(self, asked: Asked) -> Floats:
        """`(n,)` BM25 of every text."""
        known = asked.terms[asked.terms != PAD]
        return np.asarray(self.weights[:, known].sum(axis=1), dtype=np.float32).ravel()


MATCHES = (
    "bm25", "idf_held", "share_held", "all_held", "idf_of_text_held", "first_held", "last_held", "head_held",
    "head_is_head", "text_head_asked", "pairs", "in_order", "earliest", "head_distance", "numbers_held",
    "numbers_missing", "text_words", "query_words", "query_idf", "unknown", "weakest_idf", "lead_held",
)  # fmt: skip


def match_features(texts: Texts, asked: Asked, rows: Rows) -> Floats:
    """`(len(rows), len(MATCHES))`: what equal words tell."""
    held = texts.terms[rows]
    n, width = held.shape
    m = len(asked.terms)
    out = np.zeros((n, len(MATCHES)), dtype=np.float32)
    if not m or not n:
        return out
    equal = (held[:, :, None] == asked.terms) & (asked.terms != PAD)
    tf = equal.sum(axis=1).astype(np.float32)
    has = tf > 0
    place = np.where(has, equal.argmax(axis=1), width)
    idf = texts.idf[asked.terms]
    length = texts.lengths[rows]
    own = np.where(held != PAD, texts.idf[held], 0.0)
    common = equal.any(axis=2)
    head_at = texts.heads[rows]
    head_term = held[np.arange(n), np.maximum(head_at, 0)]
    both = has[:, :-1] & has[:, 1:]
    numbers = asked.numbers
    columns = (
        (idf * tf * (K1 + 1) / (tf + (K1 * (1 - B + B * length / texts.usual))[:, None])).sum(axis=1),
        (idf * has).sum(axis=1) / idf.sum(),
        has.mean(axis=1),
        has.all(axis=1),
        (own * common).sum(axis=1) / np.maximum(own.sum(axis=1), 1e-6),
        has[:, 0],
        has[:, -1],
        has[:, asked.head],
        (head_term == asked.terms[asked.head]) & has[:, asked.head],
        np.isin(head_term, asked.terms[asked.terms != PAD]),
        (equal[:, :-1, :-1] & equal[:, 1:, 1:]).any(axis=1).sum(axis=1) / max(m - 1, 1),
        (both & (place[:, 1:] > place[:, :-1])).sum(axis=1) / max(m - 1, 1),
        place.min(axis=1) / np.maximum(length, 1),
        np.where(has[:, asked.head], head_at - place[:, asked.head], 40),
        (has & numbers).sum(axis=1) / max(int(numbers.sum()), 1),
        (~has & numbers).sum(axis=1),
        length,
        np.full(n, m),
        np.full(n, idf.sum()),
        np.full(n, (asked.terms == PAD).sum()),
        np.where(has, idf, np.inf).min(axis=1, initial=20.0),
        common[:, 0],
    )
    for k, column in enumerate(columns):
        out[:, k] = column
    return out


@dataclass(frozen=True, eq=False)
class Held:
    """The words of some texts, each once.

    `words (u,)` codes; `place (n, width)` into them, u where a text has ended.
    """

    words: Codes
    place: npt.NDArray[np.int64]
    weight: Floats
    """`(n, width)`: rarity of each word up to the head, 0 behind it."""
    head: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: Texts, rows: Rows) -> "Held":
        terms = texts.terms[rows][:, : int(texts.lengths[rows].max(initial=1))]
        words, place = np.unique(terms, return_inverse=True)
        place = place.reshape(terms.shape)
        if len(words) and words[0] == PAD:
            words, place = words[1:], np.where(place == 0, len(words) - 1, place - 1)
        upto = np.arange(terms.shape[1]) <= texts.heads[rows][:, None]
        weight = np.where((terms != PAD) & upto, texts.idf[terms], 0.0).astype(np.float32)
        head = place[np.arange(len(rows)), np.maximum(texts.heads[rows], 0)]
        return cls(words, place, weight, head)


LATE = ("nearest", "weakest", "head", "back", "text_head")


def late(near: Floats, idf: Floats, held: Held, asked: Asked) -> Floats:
    """`(n, len(LATE))` from `near (m, u)`: how near each word of the query is to each of the texts' words.

    The nearest word of the text for each of the query, weighed by rarity; the worst of these; that of the word that
    names the good; the other way round, how near the text up to its head is to the query; and its head alone.
    """
    padded = np.concatenate([near, np.zeros((len(near), 1), dtype=np.float32)], axis=1)
    there = padded[:, held.place]
    best = there.max(axis=2)
    back = padded.max(axis=0)
    return np.stack(
        [
            (idf[:, None] * best).sum(axis=0) / max(float(idf.sum()), 1e-6),
            best.min(axis=0),
            best[asked.head],
            (held.weight * back[held.place]).sum(axis=1) / np.maximum(held.weight.sum(axis=1), 1e-6),
            back[held.head],
        ],
        axis=1,
    ).astype(np.float32)
