"""The text index: which items hold the words of a query, how well, and in which tier."""

import shutil
import uuid
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import tantivy

from mien.core.errors import NotReady
from mien.core.item import CATEGORY_SEPARATOR, Catalogue
from mien.core.words import RUN, Word, index_terms, is_han, normalise, query_words
from mien.ranking.spelling import Vocabulary
from mien.stores.durable import write_whole

FIELD_WEIGHTS = {"title": 3.0, "category": 1.5, "brand": 1.5, "description": 1.0}
"""How much a word counts for where it stands, for BM25 of each field."""
ROW = "row"
FORMAT = 1
MAX_QUERY = 400
"""Characters of a query that are read; what follows is ignored."""
MAX_WORDS = 12
ENOUGH = 10
"""With fewer items that hold every word, items that hold some of them follow."""

_POINTER = "current"
_VOCABULARY = "vocabulary.json"


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
    where a word was unknown to the index, otherwise None.
    """

    rows: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float64]
    tiers: npt.NDArray[np.int8]
    total: int
    corrected: str | None = None

    def __len__(self) -> int:
        return len(self.rows)


class TextIndex:
    """An opened index, safe to read from many threads. A rebuild leaves it as it was: open again to see it."""

    def __init__(self, index: tantivy.Index, vocabulary: Vocabulary, titles: dict[str, npt.NDArray[np.int32]]) -> None:
        self._index, self._vocabulary, self._titles = index, vocabulary, titles
        self._searcher = index.searcher()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    @classmethod
    def build(cls, folder: Path, catalogue: Catalogue) -> "TextIndex":
        """Index every known item of the catalogue and put it in place of what `folder` held, in one step.

        Written beside what is there and named by one renamed pointer file, so that a reader or a crash meets the
        old index or the new one, never half of one. Cost: some 10 s and 150 MB for 100,000 items.
        """
        folder.mkdir(parents=True, exist_ok=True)
        version = folder / f"v{FORMAT}-{uuid.uuid4().hex[:12]}"
        version.mkdir()
        _write(version, catalogue)
        write_whole(folder / _POINTER, version.name)  # the version in use
        for old in folder.iterdir():
            if old.is_dir() and old != version:
                shutil.rmtree(old)
        return cls.open(folder, catalogue)

    @classmethod
    def open(cls, folder: Path, catalogue: Catalogue) -> "TextIndex":
        """The index last built in `folder`; `NotReady` where none was, or by another version of its format."""
        pointer = folder / _POINTER
        name = pointer.read_text().strip() if pointer.is_file() else ""
        if not name.startswith(f"v{FORMAT}-") or not (folder / name).is_dir():
            raise NotReady(f"There is no text index at {folder}. Run: mien build")
        vocabulary = Vocabulary.of(msgspec.json.decode((folder / name / _VOCABULARY).read_bytes(), type=dict[str, int]))
        return cls(tantivy.Index.open(str(folder / name)), vocabulary, _exact_titles(catalogue))

    def search(self, text: str, limit: int = 10_000) -> Matches:
        """The items for a query: those with every word, for Chinese every character, and if few, some words.

        Any text is a valid query: it is cut into words and never parsed. A word that no item holds is replaced by
        the nearest known one. Cost: about a millisecond, and more with thousands of matches.
        """
        words = query_words(text[:MAX_QUERY])[:MAX_WORDS]
        words, corrected = self._correct(words, normalise(text[:MAX_QUERY]))
        if not words:
            return _gather([], 0, corrected)
        stages = [(Tier.ALL_WORDS, *self._run(self._all_of(words), limit))]
        if any(word.han and len(word.surface) > 1 for word in words):
            characters = [Word(letter, letter, True) for word in words if word.han for letter in word.surface]
            loose = [word for word in words if not word.han] + characters
            stages.append((Tier.ALL_CHARACTERS, *self._run(self._all_of(loose, better=words), limit)))
        for need in range(len(words) - 1, 0, -1):
            if max(stage[3] for stage in stages) >= ENOUGH:
                break
            stages.append((Tier.SOME_WORDS, *self._run(self._some_of(words, need), limit)))
        exact = self._titles.get(_name(corrected or text), np.empty(0, dtype=np.int32))
        matches = _gather([stage[:3] for stage in stages], max(stage[3] for stage in stages), corrected)
        return _promote(matches, exact, limit)

    def knows(self, term: str) -> bool:
        """Whether any item holds the term."""
        return any(self._searcher.doc_freq(field, term) for field in FIELD_WEIGHTS)

    def _correct(self, words: list[Word], text: str) -> tuple[list[Word], str | None]:
        """Unknown words replaced by near known ones, and the text with them, or None where nothing changed."""
        better, changed = [], False
        for word in words:
            near = None if word.han or self.knows(word.term) else self._vocabulary.nearest(word.surface)
            if near is None:
                better.append(word)
                continue
            changed = True
            text = " ".join(near if part == word.surface else part for part in text.split())
            better += query_words(near)
        return better, text if changed else None

    def _word(self, term: str) -> tantivy.Query:
        """One word in any field: the field where it counts most decides, the others add a little."""
        fields = [
            tantivy.Query.boost_query(tantivy.Query.term_query(self._index.schema, field, term, "freq"), weight)
            for field, weight in FIELD_WEIGHTS.items()
        ]
        return tantivy.Query.disjunction_max_query(fields, 0.2)

    def _all_of(self, words: list[Word], better: list[Word] | None = None) -> tantivy.Query:
        """Every one of `words`; holding those of `better` counts on top."""
        parts = [(tantivy.Occur.Must, self._word(word.term)) for word in words]
        parts += [(tantivy.Occur.Should, self._word(word.term)) for word in better or []]
        return tantivy.Query.boolean_query(parts)

    def _some_of(self, words: list[Word], need: int) -> tantivy.Query:
        parts = [(tantivy.Occur.Should, self._word(word.term)) for word in words]
        return tantivy.Query.boolean_query(parts, minimum_number_should_match=need)

    def _run(self, query: tantivy.Query, limit: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], int]:
        found = self._searcher.search(query, limit=limit)
        addresses = [address for _, address in found.hits]
        rows = np.array(self._searcher.fast_field_values(ROW, addresses), dtype=np.int32)
        scores = np.array([score for score, _ in found.hits], dtype=np.float64)
        return rows, scores, _count_of(found)


def _count_of(found: tantivy.SearchResult) -> int:
    count: int | None = found.count  # type: ignore[attr-defined]  # missing from the package's stub
    return count or 0


def _schema() -> tantivy.Schema:
    schema = tantivy.SchemaBuilder()
    for field in FIELD_WEIGHTS:
        schema.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    schema.add_unsigned_field(ROW, fast=True)
    return schema.build()


def _write(folder: Path, catalogue: Catalogue) -> None:
    index = tantivy.Index(_schema(), path=str(folder))
    writer = index.writer(heap_size=128_000_000, num_threads=1)
    seen: dict[str, str] = {}  # categories and brands repeat: each is cut once

    def terms(text: str | None) -> str:
        if not text:
            return ""
        if text not in seen:
            seen[text] = " ".join(index_terms(text.replace(CATEGORY_SEPARATOR, " ")))
        return seen[text]

    known: Counter[str] = Counter()
    for row in np.flatnonzero(catalogue.known).tolist():
        title, category, brand = catalogue.title[row], catalogue.category[row], catalogue.brand[row]
        document = tantivy.Document()
        document.add_unsigned(ROW, row)
        document.add_text("title", terms(title))
        document.add_text("category", terms(category))
        document.add_text("brand", terms(brand))
        document.add_text("description", " ".join(index_terms(catalogue.description[row] or "")))
        writer.add_document(document)
        known.update(set(RUN.findall(normalise(f"{title} {brand or ''} {category or ''}"))))
    writer.commit()
    writer.wait_merging_threads()
    words = {word: n for word, n in known.items() if not is_han(word)}
    (folder / _VOCABULARY).write_bytes(msgspec.json.encode(words))


def _exact_titles(catalogue: Catalogue) -> dict[str, npt.NDArray[np.int32]]:
    """Name → rows of the items whose title it is, but for the names of categories.

    Who types the name of a category asks for what is in it, not for the one good that happens to be called so.
    """
    paths = {path for path in catalogue.category if path}
    categories = {_name(part) for path in paths for part in path.split(CATEGORY_SEPARATOR)}
    rows: dict[str, list[int]] = {}
    seen: dict[str, str] = {}
    for row in np.flatnonzero(catalogue.known).tolist():
        title = catalogue.title[row]
        if title not in seen:
            seen[title] = _name(title)
        rows.setdefault(seen[title], []).append(row)
    named = {name: np.array(found, dtype=np.int32) for name, found in rows.items()}
    return {name: found for name, found in named.items() if name and name not in categories}


def _name(text: str) -> str:
    """A text down to its words, so that punctuation and case make no difference."""
    return " ".join(RUN.findall(normalise(text)))


def _gather(
    stages: list[tuple[Tier, npt.NDArray[np.int32], npt.NDArray[np.float64]]], total: int, corrected: str | None
) -> Matches:
    """The stages one after another, each item in the first that found it."""
    if not stages:
        empty = np.empty(0)
        return Matches(empty.astype(np.int32), empty, empty.astype(np.int8), 0, corrected)
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
    return Matches(rows[order], scores[order], tiers[order], max(matches.total, len(rows)), matches.corrected)
