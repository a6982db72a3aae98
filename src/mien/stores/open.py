"""URL → store: where states rest is one line of settings."""

from pathlib import Path

from mien.core.errors import UsageError
from mien.core.ports import ProfileStore
from mien.stores.memory import MemoryStore
from mien.stores.options import StoreSettings
from mien.stores.postgres import PostgresStore
from mien.stores.redis import RedisStore
from mien.stores.sqlite import SQLiteStore

SCHEMES = ("sqlite", "memory", "redis", "rediss", "postgresql", "postgres")


def open_profile_store(url: str, settings: StoreSettings | None = None, *, namespace: str = "mien") -> ProfileStore:
    """The store of a URL: `sqlite:FILE` or `sqlite:///FILE` (absolute: four strokes), `memory:`, `redis://HOST/0`,
    `rediss://…` (TLS), `postgresql://USER@HOST/DATABASE`.

    `settings`: what is expected of a server; its namespace, where it names one, goes before `namespace`. Raises
    `UsageError` for a scheme nobody knows or a URL without a file, `MissingExtra` where the client is not installed.
    """
    scheme, colon, place = url.partition(":")
    if not colon or scheme not in SCHEMES:
        known = ", ".join(f"{name}:" for name in SCHEMES)
        raise UsageError(
            "“{scheme}” names no store that Mien knows. Begin it with one of: {known}",
            scheme=scheme or url,
            known=known,
        )
    if scheme == "memory":
        return MemoryStore()
    if scheme == "sqlite":
        path = place.removeprefix("///") if place.startswith("///") else place
        if not path:
            raise UsageError("“{url}” names no file. Write sqlite:PATH", url=url)
        return SQLiteStore(Path(path))
    chosen = settings or StoreSettings()
    store = RedisStore if scheme in ("redis", "rediss") else PostgresStore
    return store(
        url,
        namespace=chosen.namespace or namespace,
        password=chosen.password,
        wait_s=chosen.wait_s,
        durable=chosen.durable,
    )
