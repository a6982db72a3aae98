"""URL → store: where states rest is one line of settings."""

from pathlib import Path

from mien.core.errors import UsageError
from mien.core.ports import ProfileStore
from mien.stores.memory import MemoryStore
from mien.stores.sqlite import SQLiteStore

SCHEMES = ("sqlite", "memory")


def open_profile_store(url: str) -> ProfileStore:
    """The store of a URL: `sqlite:FILE` or `sqlite:///FILE` (absolute: four strokes), `memory:`.

    Raises `UsageError` for a scheme nobody knows or a URL without a file.
    """
    scheme, colon, place = url.partition(":")
    if not colon or scheme not in SCHEMES:
        known = ", ".join(f"{name}:" for name in SCHEMES)
        raise UsageError(f"“{url}” names no store that Mien knows. Begin it with one of: {known}")
    if scheme == "memory":
        return MemoryStore()
    path = place.removeprefix("///") if place.startswith("///") else place
    if not path:
        raise UsageError(f"“{url}” names no file. Write sqlite:PATH")
    return SQLiteStore(Path(path))
