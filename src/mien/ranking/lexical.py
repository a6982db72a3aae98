"""The text index: which items hold the words of a query, how well, and in which tier."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import tantivy

from mien.core.item import CATEGORY_SEPARATOR, Catalogue
from mien.core.words import Word
from mien.ranking import indexing
from mien.ranking.indexing import FIELDS, NAME, ROW, Covers, Words, name_of
from mien.ranking.options import SearchOptions
from mien.ranking.wanted import Reading, Wanted, wanted

ENOUGH = 10
"""With fewer items that hold every word, items that hold some of them follow."""
PLENTY = 500
"""With fewer items that hold every word, items that hold every Chinese character follow."""
OTHER_FIELDS = 0.2
"""What the fields other than the best one add."""


class Tier(IntEnum):
    """How an item matches, best last; a lower tier never stands above a higher one."""

    NO_WORD = -1
    SOME_WORDS = 0
    ALL_CHARACTERS = 1
    ALL_WORDS = 2
    EXACT_TITLE = 3


@dataclass(frozen=True, eq=False)
class Matches:
    """What matched. `rows (n,) int32`, `scores (n,) float64` BM25, `tiers (n,) int8`; best tier, then score, first.

    `total`: how many matched in all, where more than the limit did. `corrected`: the query as it was understood
    where a word was unknown to the index, otherwise None. `whole`: the BM25 of an item that held every word in a title
    of average length, where none does; else 0. `mixed`: what holds less than every word stands on one step, ordered by
    words and meaning together.
    """

    rows: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float64]
    tiers: npt.NDArray[np.int8]
    total: int
    corrected: str | None = None
    whole: float = 0.0
    mixed: bool = False

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class _Stand:
    """What a question is answered from, all of one moment. `categories`: the names that are no exact titles."""

    searcher: tantivy.Searcher
    words: Words
    categories: frozenset[str]


class TextIndex:
    """An opened index, safe to read from many threads.

    A rebuild leaves it as it was: open again to see it. An upsert through it is seen by every question after it.
    """

    def __init__(
        self, folder: Path, index: tantivy.Index, stand: _Stand, options: SearchOptions, reading: Reading
    ) -> None:
        self._folder, self._index, self._stand = folder, index, stand
        self._reading = reading
        self._weights = {field: weight for field, weight in zip(FIELDS, options.weights, strict=True) if weight > 0}
        self._writing = Lock()
        self._version, self._covers = indexing.version(folder), indexing.covers(folder)

    def __len__(self) -> int:
        return int(self._stand.searcher.num_docs)

    @classmethod
    def build(
        cls,
        folder: Path,
        catalogue: Catalogue,
        options: SearchOptions | None = None,
        reading: Reading | None = None,
        *,
        changes: int = 0,
    ) -> "TextIndex":
        """Index every known item of the catalogue, put it in place of what `folder` held, in one step, and open it.

        `changes`: the number of the last change that the catalogue has.
        A crash leaves the old index in use. Cost: some 15 s and 200 MB for 100,000 items.
        """
        indexing.build(folder, catalogue, changes)
        return cls.open(folder, catalogue, options, reading)

    @classmethod
    def open(
        cls, folder: Path, catalogue: Catalogue, options: SearchOptions | None = None, reading: Reading | None = None
    ) -> "TextIndex":
        """The index last built in `folder`; `NotReady` where none was, a damaged one, or one of another format.

        `options`: weights of the fields; `reading`: synonyms, stop words. Cost: some 0.1 s.
        """
        options = options or SearchOptions()
        index, words = indexing.opened(folder)
        return cls(
            folder,
            index,
            _Stand(index.searcher(), words, _category_names(catalogue)),
            options,
            reading or Reading.of(options),
        )

    def upsert(self, catalogue: Catalogue, rows: Iterable[int]) -> None:
        """Bring these item rows up to date: new, changed, or withdrawn (no longer known in the catalogue).

        One commit: a reader and a crash meet all of it or nothing. Cost: some 10 ms, and 0.1 ms an item.
        """
        with self._writing:
            words = indexing.upsert(self._folder, self._index, self._stand.words, catalogue, rows)
            self._stand = _Stand(self._index.searcher(), words, _category_names(catalogue))

    def followed(self, catalogue: Catalogue, now: Covers, changed: Callable[[Covers], Iterable[int]]) -> "TextIndex":
        """The index with the items of the catalogue, which has what `now` says; this one answers as it did.

        `changed`: the rows that differ from what an index covers. Whichever process comes first changes the index, the
        others only read it again; a crash in between has it done again. Cost: as `upsert`.
        """
        with self._writing, indexing.changing(self._folder):
            after, held, words = copy(self), indexing.covers(self._folder), self._stand.words
            after._version = indexing.version(self._folder)
            if after._version != self._version:
                after._index, words = indexing.opened(self._folder)
            elif held != self._covers:  # another process has changed it
                words = indexing.words_of(self._folder)
            after._covers = Covers(max(held.changes, now.changes), max(held.at_us, now.at_us))
            if after._covers != held:
                rows = list(changed(held))
                words = indexing.upsert(self._folder, after._index, words, catalogue, rows) if rows else words
                indexing.covered(self._folder, after._covers)
            after._index.reload()
            after._stand = _Stand(after._index.searcher(), words, _category_names(catalogue))
            return after

    def search(self, text: str, limit: int = 10_000, enough: int = ENOUGH) -> Matches:
        """The items for a query: those with every word; if few (below `enough`), for Chinese every character, then some
        words.

        Any text is a valid query: it is cut into words and never parsed. A word that no item holds is replaced by
        the nearest known one. Cost: a fraction of a millisecond, and more with thousands of matches.
        """
        stand = self._stand
        sought = wanted(text, self._reading, stand.words, lambda terms: self._held_by(terms, stand))
        words, stages = sought.words, []
        if words:
            stages.append((Tier.ALL_WORDS, *self._run(self._all_of(words), limit, stand)))
        if words and stages[0][3] < PLENTY and any(word.han and len(word.surface) > 1 for word in words):
            characters = [Word(letter, letter, True) for word in words if word.han for letter in word.surface]
            loose = [word for word in words if not word.han] + characters
            stages.append((Tier.ALL_CHARACTERS, *self._run(self._all_of(loose, better=words), limit, stand)))
        for need in range(len(words) - 1, 0, -1):
            if max(stage[3] for stage in stages) >= enough:
                break
            stages.append((Tier.SOME_WORDS, *self._run(self._some_of(words, need), limit, stand)))
        total = max((stage[3] for stage in stages), default=0)
        matches = _gather([stage[:3] for stage in stages], total, sought.corrected)
        if words and not stages[0][3]:
            matches = replace(matches, whole=self._whole(words, stand))
        exact = self._called(name_of(sought.corrected or text), stand)
        return _promote(matches, exact, limit) if len(exact) else matches

    def wanted(self, text: str) -> Wanted:
        """The words that a query asks for, put right and with their synonyms."""
        stand = self._stand
        return wanted(text, self._reading, stand.words, lambda terms: self._held_by(terms, stand))

    def knows(self, term: str) -> bool:
        """Whether any item holds the term."""
        return self._held_by((term,), self._stand) > 0

    def _held_by(self, terms: tuple[str, ...], stand: _Stand) -> int:
        """How many items hold all of the terms; of a single one those that hold it in the field where most do."""
        rarest = min(max(int(stand.searcher.doc_freq(field, term)) for field in FIELDS) for term in terms)
        if len(terms) == 1 or not rarest:
            return rarest
        together = tantivy.Query.boolean_query([(tantivy.Occur.Must, self._term(term)) for term in terms])
        return _count_of(stand.searcher.search(together, limit=1))

    def _whole(self, words: list[Word], stand: _Stand) -> float:
        held = np.array([self._held_by((word.term,), stand) for word in words])
        rarity = np.log1p((len(self) - held + 0.5) / (held + 0.5))
        return max(self._weights.values()) * float(rarity.sum())

    def _called(self, name: str, stand: _Stand) -> npt.NDArray[np.int32]:
        """The items whose title a query is, but for the names of categories.

        Who types the name of a category asks for what is in it, not for the one good that happens to be called so.
        """
        if not name or name in stand.categories or not stand.searcher.doc_freq(NAME, name):
            return np.empty(0, dtype=np.int32)
        found = self._run(tantivy.Query.term_query(self._index.schema, NAME, name, "basic"), len(self), stand)
        return np.sort(found[0])

    def _word(self, word: Word) -> tantivy.Query:
        """One word in any field, or what will do for it: the best of these decides."""
        own = self._term(word.term)
        if not word.ways:
            return own
        ways = [
            tantivy.Query.boost_query(
                tantivy.Query.boolean_query([(tantivy.Occur.Must, self._term(term)) for term in terms]),
                weight / len(terms),
            )
            for weight, terms in word.ways
        ]
        return tantivy.Query.disjunction_max_query([own, *ways], 0.0)

    def _term(self, term: str) -> tantivy.Query:
        """A term in any field: the field where it counts most decides, the others add a little."""
        fields = [
            tantivy.Query.boost_query(tantivy.Query.term_query(self._index.schema, field, term, "freq"), weight)
            for field, weight in self._weights.items()
        ]
        return tantivy.Query.disjunction_max_query(fields, OTHER_FIELDS)

    def _all_of(self, words: list[Word], better: list[Word] | None = None) -> tantivy.Query:
        """Every one of `words`; holding those of `better` counts on top."""
        parts = [(tantivy.Occur.Must, self._word(word)) for word in words]
        parts += [(tantivy.Occur.Should, self._word(word)) for word in better or []]
        return tantivy.Query.boolean_query(parts)

    def _some_of(self, words: list[Word], need: int) -> tantivy.Query:
        parts = [(tantivy.Occur.Should, self._word(word)) for word in words]
        return tantivy.Query.boolean_query(parts, minimum_number_should_match=need)

    @staticmethod
    def _run(
        query: tantivy.Query, limit: int, stand: _Stand
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], int]:
        found = stand.searcher.search(query, limit=limit)
        hits = found.hits
        rows = np.array(stand.searcher.fast_field_values(ROW, [address for _, address in hits]), dtype=np.int32)
        scores = np.array([score for score, _ in hits], dtype=np.float64)
        return rows, scores, _count_of(found)


def _count_of(found: tantivy.SearchResult) -> int:
    count: int | None = found.count  # type: ignore[attr-defined]  # missing from the package's stub
    return count or 0


def _category_names(catalogue: Catalogue) -> frozenset[str]:
    paths = {path for path in catalogue.category if path}
    return frozenset(_named(part) for part in {part for path in paths for part in path.split(CATEGORY_SEPARATOR)})


_named = lru_cache(maxsize=1 << 16)(name_of)


def _gather(
    stages: list[tuple[Tier, npt.NDArray[np.int32], npt.NDArray[np.float64]]], total: int, corrected: str | None
) -> Matches:
    """The stages one after another, each item in the first that found it."""
    if not stages:
        empty = np.empty(0)
        return Matches(empty.astype(np.int32), empty, empty.astype(np.int8), 0, corrected)
    if len(stages) == 1:
        tier, rows, scores = stages[0]
        return Matches(rows, scores, np.full(len(rows), tier, dtype=np.int8), total, corrected)
    rows = np.concatenate([rows for _, rows, _ in stages])
    scores = np.concatenate([scores for _, _, scores in stages])
    tiers = np.concatenate([np.full(len(rows), tier, dtype=np.int8) for tier, rows, _ in stages])
    first = np.sort(np.unique(rows, return_index=True)[1])
    return Matches(rows[first], scores[first], tiers[first], max(total, len(first)), corrected)


def _promote(matches: Matches, exact: npt.NDArray[np.int32], limit: int) -> Matches:
    """Items called exactly as the query stand first, those the limit had cut off too; at most `limit` stay."""
    missing = np.setdiff1d(exact, matches.rows).astype(np.int32)
    rows = np.concatenate([matches.rows, missing])
    scores = np.concatenate([matches.scores, np.full(len(missing), matches.scores.max(initial=0.0))])
    tiers = np.concatenate([matches.tiers, np.full(len(missing), Tier.EXACT_TITLE, dtype=np.int8)])
    tiers[np.isin(rows, exact)] = Tier.EXACT_TITLE
    order = np.lexsort((rows, -scores, -tiers))[:limit]
    return replace(
        matches, rows=rows[order], scores=scores[order], tiers=tiers[order], total=max(matches.total, len(rows))
    )
