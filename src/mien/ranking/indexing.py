"""Indexing: what the text index holds of an item, how it is written, and how it changes without being rebuilt."""

import fcntl
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import tantivy

from mien.core.errors import NotReady, TransientError
from mien.core.item import CATEGORY_SEPARATOR, Catalogue
from mien.core.words import RUN, is_han, normalise, search_terms
from mien.ranking.colours import other_names
from mien.ranking.spelling import Characters, Vocabulary
from mien.stores.durable import write_whole

FIELDS = ("title", "category", "brand", "description", "attributes")
ROW, NAME = "row", "name"
FORMAT = 2
HEAP = 128_000_000
"""Bytes that a rebuild may use."""
LIVE_HEAP = 16_000_000
"""Bytes that an upsert may use."""

_POINTER = "current"
_WORDS = "words.json"
_COVERS = "covers.json"


class Covers(NamedTuple):
    """Which items an index holds: those known at `at_us`, with the changes up to a number."""

    changes: int
    at_us: int


@dataclass(frozen=True, eq=False)
class Words:
    """Which words the items hold, for spelling. `counts`: word → in how many titles, brands and categories."""

    counts: Counter[str]
    latin: Vocabulary
    han: Characters

    @classmethod
    def of(cls, counts: Counter[str]) -> "Words":
        latin = {word: n for word, n in counts.items() if not is_han(word)}
        return cls(counts, Vocabulary.of(latin), Characters.of({word: n for word, n in counts.items() if is_han(word)}))


def build(folder: Path, catalogue: Catalogue, changes: int = 0) -> None:
    """Index every known item and put the index in place of what `folder` held, in one step.

    `changes`: the number of the last change that the catalogue has.
    Written beside what is there and named by one renamed pointer file, so that a reader or a crash meets the old index
    or the new one, never half of one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"v{FORMAT}-{uuid.uuid4().hex[:12]}"
    place.mkdir()
    index = tantivy.Index(_schema(), path=str(place))
    writer = index.writer(heap_size=HEAP, num_threads=1)
    counts: Counter[str] = Counter()
    for document in _documents(catalogue, np.flatnonzero(catalogue.known).tolist(), counts):
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    (place / _WORDS).write_bytes(msgspec.json.encode(counts))
    (place / _COVERS).write_bytes(msgspec.json.encode(Covers(changes, catalogue.at_us)))
    write_whole(folder / _POINTER, place.name)  # the version in use
    for old in folder.iterdir():
        if old.is_dir() and old != place:
            shutil.rmtree(old)


def version(folder: Path) -> str:
    """The name of the index last built in `folder`; empty where none was."""
    pointer = folder / _POINTER
    return pointer.read_text().strip() if pointer.is_file() else ""


def covers(folder: Path) -> Covers:
    """What the index in `folder` holds."""
    place = folder / version(folder) / _COVERS
    return msgspec.json.decode(place.read_bytes(), type=Covers) if place.is_file() else Covers(0, 0)


def covered(folder: Path, now: Covers) -> None:
    """Note what the index in `folder` holds now; a crash before only has it brought up to date again."""
    write_whole(folder / version(folder) / _COVERS, msgspec.json.encode(now))


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """One process after another brings the index in `folder` up to date."""
    handle = os.open(folder / ".changing", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def words_of(folder: Path) -> Words:
    """The words of the index in `folder` as they are noted now."""
    counts = msgspec.json.decode((folder / version(folder) / _WORDS).read_bytes(), type=dict[str, int])
    return Words.of(Counter(counts))


def opened(folder: Path) -> tuple[tantivy.Index, Words]:
    """The index last built in `folder`; `NotReady` where none was, or a damaged one, or one of another format."""
    name = version(folder)
    if not name.startswith(f"v{FORMAT}-") or not (folder / name).is_dir():
        raise NotReady("There is no text index at {folder}. Run: mien build", folder=folder)
    try:
        return tantivy.Index.open(str(folder / name)), words_of(folder)
    except (OSError, ValueError, msgspec.DecodeError) as wrong:
        raise NotReady(
            "The text index at {folder} is damaged ({wrong}). Run: mien build", folder=folder, wrong=wrong
        ) from wrong


def upsert(folder: Path, index: tantivy.Index, words: Words, catalogue: Catalogue, rows: Iterable[int]) -> Words:
    """Bring these items up to date in the index, all in one commit: those that are no longer known leave it.

    A crash leaves either all of it or nothing (tantivy names its segments by one renamed file). Returns the words as
    they are now; words of what was withdrawn stay among them until the next build, and only spelling reads them.
    """
    rows = list(dict.fromkeys(rows))
    try:
        writer = index.writer(heap_size=LIVE_HEAP, num_threads=1)
    except ValueError as busy:  # another process has tantivy's lock
        raise TransientError(
            "The text index at {folder} is being written to ({busy}). Try again.", folder=folder, busy=busy
        ) from busy
    counts: Counter[str] = Counter()
    try:
        for row in rows:
            # by query: by term, the number is taken for a signed one, which an unsigned field does not hold
            writer.delete_documents_by_query(tantivy.Query.term_query(index.schema, ROW, row))
        held = [row for row in rows if 0 <= row < len(catalogue) and catalogue.known[row]]
        for document in _documents(catalogue, held, counts):
            writer.add_document(document)
        writer.commit()
    except BaseException:
        writer.rollback()
        raise
    finally:
        writer.wait_merging_threads()
    index.reload()
    if all(word in words.counts for word in counts):
        return words
    merged = Words.of(words.counts + Counter({word: n for word, n in counts.items() if word not in words.counts}))
    write_whole(folder / version(folder) / _WORDS, msgspec.json.encode(merged.counts))
    return merged


def _schema() -> tantivy.Schema:
    schema = tantivy.SchemaBuilder()
    for field in FIELDS:
        schema.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    schema.add_text_field(NAME, tokenizer_name="raw", index_option="basic")
    schema.add_unsigned_field(ROW, fast=True, indexed=True)
    return schema.build()


def _documents(catalogue: Catalogue, rows: list[int], counts: Counter[str]) -> Iterator[tantivy.Document]:
    """A document an item; `counts` gains the words of each."""
    seen: dict[str, str] = {}  # categories and brands repeat: each is cut once

    def again(text: str | None) -> str:
        if not text:
            return ""
        if text not in seen:
            seen[text] = _terms(text.replace(CATEGORY_SEPARATOR, " "))
        return seen[text]

    for row in rows:
        title, category, brand = catalogue.title[row], catalogue.category[row], catalogue.brand[row]
        colour = other_names(catalogue.colour[row] or "")
        texts = {
            "title": _terms(title),
            "category": again(category),
            "brand": again(brand),
            "description": _terms(catalogue.description[row]),
            "attributes": _terms(f"{colour} {attribute_text(catalogue.attributes[row])}".strip()),
        }
        document = tantivy.Document()
        document.add_unsigned(ROW, row)
        document.add_text(NAME, name_of(title))
        for field, terms in texts.items():
            if terms:
                document.add_text(field, terms)
        counts.update(_words(f"{title} {brand or ''} {category or ''}", texts))
        yield document


def _terms(text: str | None) -> str:
    return " ".join(search_terms(text)) if text else ""


def _words(text: str, texts: dict[str, str]) -> set[str]:
    """Latin words as they are written in names, Chinese ones of three characters or more from every field."""
    latin = {run for run in RUN.findall(normalise(text)) if not is_han(run)}
    return latin | {word for terms in texts.values() for word in terms.split() if len(word) > 2 and is_han(word)}


def attribute_text(attributes: str | None) -> str:
    """The values of an item's attributes (JSON, however deep) as one text; what is no JSON is a text itself."""
    if not attributes:
        return ""
    try:
        return " ".join(_values(msgspec.json.decode(attributes)))
    except msgspec.DecodeError:
        return attributes


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _values(part)
    elif isinstance(value, list):
        for part in value:
            yield from _values(part)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def name_of(text: str) -> str:
    """A text down to its words, so that punctuation and case make no difference."""
    return " ".join(RUN.findall(normalise(text)))
