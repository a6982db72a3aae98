"""Dead letters: rows and messages that could not be used, as the catalogue file keeps them."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that could not be used, kept so that it can be looked at, mended and sent again."""

    id: int
    source: str
    file: str | None
    row: int | None
    reason: str
    detail: str | None
    raw: str | None


def words_of(text: str) -> set[str]:
    """What in a raw row or a sentence may be an id: values of JSON at any depth, texts in quotes, words."""
    found = set(re.findall(r"[^\s\"“”,;:(){}\[\]]+", text))
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"?|“([^”]*)”?', text):
        found |= {part.strip() for part in quoted}
    for line in text.splitlines():
        with suppress(ValueError, RecursionError):
            found |= set(_values(json.loads(line)))
    return found - {""}


def _values(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _values(part)
    elif value is not None:
        yield str(value).strip()


def read_letters(verdicts: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file of the schema VERDICTS, ready to be buried."""
    return list(pq.read_table(verdicts).to_pylist())


def letter_digest(letter: dict[str, Any]) -> str:
    parts = [letter["source"], letter["reason"], letter["row"], letter["raw"]]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
