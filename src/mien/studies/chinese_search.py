"""Chinese search, judged: categories, exact words, both scripts, typos, homophones; by words, by meaning, as served."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from opencc import OpenCC

from mien.core.ports import Progress, Silent
from mien.core.query import Query
from mien.core.words import normalise
from mien.models.content.cache import Remembering, VectorCache
from mien.models.content.encoder import Encoder
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.ranking.lexical import TextIndex
from mien.ranking.pipeline import search
from mien.ranking.shelf import Context
from mien.studies.chinese_queries import Asked, by_hand, dropped, homophones, real, swapped, words_of
from mien.studies.metrics import bootstrap_mean
from mien.studies.reviews import Labelled, read_labelled, stratified
from mien.studies.text_shop import goods_of, visited

NAME = "search-chinese"
TOP = 10
SCRIPTS = ("s2t", "s2tw", "s2hk")
"""Traditional as OpenCC's standard, Taiwan and Hong Kong have it."""
RARER = 10
PHONES = frozenset({"手机", "平板"})
"""In this collection more of the texts called 平板 speak of a phone than of those called 手机."""

Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Collection:
    """The texts, how they are found by words, and their vectors. `plain`: the texts as search reads them."""

    reviews: Labelled
    index: TextIndex
    encoder: Encoder

    @cached_property
    def plain(self) -> list[str]:
        return [normalise(text) for text in self.reviews.texts]

    @cached_property
    def shop(self) -> Context:
        """What a shop with these texts as its goods answers anybody from."""
        return visited(goods_of(self.reviews.texts), self.index, self.encoder)

    def words(self, queries: Sequence[str]) -> list[Rows]:
        """The first results of the text index, as a shop has it."""
        return [self.index.search(query).rows[:TOP] for query in queries]

    def meaning(self, queries: Sequence[str]) -> list[Rows]:
        """The nearest by vector alone, without feedback or centring: the encoder as it comes."""
        vectors = self.encoder.encode(self.reviews.texts)
        asked = self.encoder.encode([normalise(query) for query in queries], kind="query")
        return [np.argsort(-(vectors @ one))[:TOP].astype(np.int32) for one in asked]

    def served(self, queries: Sequence[str]) -> list[Rows]:
        """The first page of the search that is served, for somebody of whom nothing is known."""
        answers = [search(Query(query, k=TOP), self.shop) for query in queries]
        return [np.array([int(one.item_id) for one in found.results], dtype=np.int32) for found in answers]


@dataclass(frozen=True, eq=False)
class Questions:
    """What is asked of every system."""

    hand: list[Asked]
    real: list[Asked]
    words: list[str]
    dropped: list[tuple[str, str]]
    swapped: list[tuple[str, str]]


def study(
    source: str,
    *,
    queries: str = "",
    encoder: str = "e5",
    documents: int = 0,
    words: int = 500,
    most: int = 40,
    folder: str = "",
    threads: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Each system's figures on the same questions, with 95 % bootstrap intervals over questions.

    `source`: a CSV with the columns cat, label and review, or a zip of one; `documents` of them, drawn by category and
    label (0: all). `queries`: a file of real queries, "number, tab, query" (empty: none). `words`: how many words of
    the texts are searched for, whole and misspelt; `most`: real queries a category. `folder`: where vectors are kept.
    Cost: encoding.
    """
    progress = progress or Silent()
    reviews = read_labelled(Path(source))
    reviews = reviews.take(stratified(reviews, np.arange(len(reviews)), documents, seed))
    with tempfile.TemporaryDirectory() as passing:
        kept = Path(folder) if folder else Path(passing)
        settings = ContentSettings(encoder=encoder, threads=threads, max_tokens=128)
        reader = Remembering(encoder_named(settings, folder=kept, texts=reviews.texts), VectorCache(kept / "cache"))
        found = Collection(reviews, TextIndex.build(Path(passing) / "index", goods_of(reviews.texts)), reader)
        asked = _questions(reviews.texts, queries, words, most, seed)
        systems = {"words": found.words, "meaning": found.meaning, "served": found.served}
        advance = progress.step("ask", len(systems))
        rows = []
        for name, system in systems.items():
            rows.append({"model": name} | _figures(system, found, asked, seed))
            advance(1)
        singles = _single_characters(found, 100, seed)
        recalled = {
            "dropped_recall": _recall(asked.dropped, found),
            "swapped_recall": _recall(asked.swapped, found),
        }
        speed = _milliseconds(found.index, [one.query for one in asked.hand])
    return {
        "study": NAME,
        "source": Path(source).name,
        "encoder": reader.version,
        "seed": seed,
        "documents": len(reviews),
        "queries": {"hand": len(asked.hand), "real": len(asked.real), "words": len(asked.words)}
        | {"dropped": len(asked.dropped), "swapped": len(asked.swapped)},
        "single_character_recall": bootstrap_mean(singles, seed=seed).to_dict(),
        **{name: bootstrap_mean(shares, seed=seed).to_dict() for name, shares in recalled.items()},
        "homophones_by_chance": bootstrap_mean(_by_chance(found), seed=seed).to_dict(),
        "words_p50_ms": round(float(np.median(speed)), 3),
        "models": rows,
    }


def _questions(texts: Sequence[str], queries: str, n: int, most: int, seed: int) -> Questions:
    draw = np.random.default_rng(seed)
    plain = [normalise(text) for text in texts]
    long = words_of(texts, n, seed, shortest=3, least=5)
    return Questions(
        hand=by_hand(),
        real=real(Path(queries), most, seed) if queries else [],
        words=words_of(texts, n, seed),
        dropped=[pair for word in long if _is_typo(pair := (word, dropped(word, draw)), plain)],
        swapped=[pair for word in long if _is_typo(pair := (word, swapped(word, draw)), plain)],
    )


def _is_typo(pair: tuple[str, str], plain: list[str]) -> bool:
    """Whether what was typed is a word of its own for nobody: at least ten times rarer than the word it was."""
    word, typed = (sum(one in text for text in plain) for one in pair)
    return typed * RARER <= word


System = Callable[[Sequence[str]], list[Rows]]


def _figures(system: System, found: Collection, asked: Questions, seed: int) -> dict[str, Any]:
    sounds = homophones()
    values = {
        "category_hand": _precision(system, asked.hand, found.reviews.topics),
        "category_hand_phones_are_tablets": _precision(system, asked.hand, found.reviews.topics, PHONES),
        "category_real": _precision(system, asked.real, found.reviews.topics),
        "category_real_phones_are_tablets": _precision(system, asked.real, found.reviews.topics, PHONES),
        "exact_word": _holding(system, [(word, word) for word in asked.words], found),
        "dropped_character": _holding(system, asked.dropped, found),
        "swapped_character": _holding(system, asked.swapped, found),
        "homophone_false_hits": _false_hits(system, sounds, found),
        "traditional_overlap": _overlap(system, [one.query for one in (*asked.hand, *asked.real)]),
    }
    return {name: bootstrap_mean(value, seed=seed).to_dict() for name, value in values.items() if len(value)}


def _precision(
    system: System, asked: list[Asked], topics: Sequence[str], alike: frozenset[str] = frozenset()
) -> Floats:
    """Of each query the share of its first ten results that are of its category; fewer results count as wrong ones.

    `alike`: categories that are one.
    """

    def right(topic: str, category: str) -> bool:
        return topic == category or (topic in alike and category in alike)

    found = system([one.query for one in asked])
    return np.array(
        [sum(right(topics[row], one.category) for row in rows) / TOP for one, rows in zip(asked, found, strict=True)]
    )


def _holding(system: System, pairs: list[tuple[str, str]], found: Collection) -> Floats:
    """Of each (word, what was typed): 1 where any of the first ten results holds the word."""
    shown = system([typed for _, typed in pairs])
    return np.array(
        [float(any(word in found.plain[row] for row in rows)) for (word, _), rows in zip(pairs, shown, strict=True)]
    )


def _false_hits(system: System, pairs: list[tuple[str, str]], found: Collection) -> Floats:
    """Of each (word, characters that sound like it): the share of the first ten results that hold the word, though
    not what was typed."""
    shown = system([sounds for _, sounds in pairs])
    return np.array(
        [
            sum(_only_sounds(found.plain[row], pair) for row in rows) / TOP
            for pair, rows in zip(pairs, shown, strict=True)
        ]
    )


def _by_chance(found: Collection) -> Floats:
    """Of each pair the share of all texts that would be a false hit."""
    return np.array([np.mean([_only_sounds(text, pair) for text in found.plain]) for pair in homophones()])


def _only_sounds(text: str, pair: tuple[str, str]) -> bool:
    word, sounds = pair
    return word in text and sounds not in text


def _overlap(system: System, queries: list[str]) -> Floats:
    """Of each query the share of its results that it also has in traditional characters, the mean of three spellings.

    Queries that find nothing are left out.
    """
    simple = [set(rows.tolist()) for rows in system(queries)]
    shares = []
    for script in SCRIPTS:
        spelt = OpenCC(script)
        shown = system([str(spelt.convert(query)) for query in queries])
        shares.append([len(a & set(b.tolist())) / max(len(a), 1) for a, b in zip(simple, shown, strict=True)])
    finding = np.array([bool(rows) for rows in simple], dtype=np.bool_)
    return np.asarray(np.mean(shares, axis=0)[finding], dtype=np.float64)


def _single_characters(found: Collection, n: int, seed: int) -> Floats:
    """Of each of `n` characters of the texts: the share of the texts holding it that it finds."""
    letters = sorted({letter for word in words_of(found.reviews.texts, 10 * n, seed) for letter in word})
    drawn = np.random.default_rng(seed).permutation(len(letters))[:n]
    shares = []
    for letter in (letters[k] for k in drawn.tolist()):
        holding = {row for row, text in enumerate(found.plain) if letter in text}
        rows = set(found.index.search(letter, len(found.plain)).rows.tolist())
        shares.append(len(holding & rows) / len(holding))
    return np.array(shares)


def _recall(pairs: list[tuple[str, str]], found: Collection) -> Floats:
    """Of each (word, what was typed): the share of the texts holding the word that match at all."""
    shares = []
    for word, typed in pairs:
        holding = {row for row, text in enumerate(found.plain) if word in text}
        rows = set(found.index.search(typed, len(found.plain)).rows.tolist())
        shares.append(len(holding & rows) / len(holding))
    return np.array(shares)


def _milliseconds(index: TextIndex, queries: list[str]) -> Floats:
    taken = []
    for query in queries:
        began = time.perf_counter()
        index.search(query)
        taken.append((time.perf_counter() - began) * 1000.0)
    return np.array(taken)
