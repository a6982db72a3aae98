"""States in Redis: hashes of users by blocks of rows, the log offset beside them, changed together by MULTI.

Durable as far as the server is: with `appendonly yes` and `appendfsync always` nothing acknowledged is lost, and a
server without them, or one that may evict keys, is refused unless the settings say otherwise. Every writer watches
the progress key and changes it, so that a write that was given up and reaches a slow server late is void. One hash
tag holds the keys of a shop in one slot of a cluster.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mien.core.errors import MienError, TransientError, WorkspaceError
from mien.core.extras import require
from mien.core.ids import UserRow
from mien.core.phrase import Phrase
from mien.stores.server import Reach, plain_name

log = logging.getLogger("mien.stores")

FORMAT = 1
BLOCK = 4096
"""Users of one hash: no command takes long, and users come ascending block by block."""
REWRITE_S = 120.0
"""How long `purge` waits for the server to have written its files anew."""
PASSING = ("OOM", "MISCONF", "READONLY", "LOADING", "BUSY", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN")
"""How a server begins an error that goes by."""


class RedisStore:
    """A `ProfileStore` on a Redis server, under a namespace. One object may serve many threads.

    Nothing is asked of the server before the first use. Raises `TransientError` where it does not answer within
    `wait_s` seconds, `WorkspaceError` where it refuses or, with `durable`, does not keep what it acknowledges.
    """

    def __init__(
        self, url: str, *, namespace: str, password: str = "", wait_s: float = 5.0, durable: bool = True
    ) -> None:
        self._redis = require("redis", "redis")
        never = self._redis.retry.Retry(self._redis.backoff.NoBackoff(), 0)  # a write tried twice might count twice
        told = {"password": password} if password else {}
        self._client: Any = self._redis.Redis.from_url(
            url, socket_timeout=wait_s, socket_connect_timeout=wait_s, retry=never, **told
        )
        self._reach = Reach(plain_name(url), (self._redis.RedisError, OSError), self._terminal)
        self._durable, self._checked = durable, False
        self._key = f"mien:{{{namespace}}}"
        self._progress, self._blocks = f"{self._key}:progress", f"{self._key}:blocks"

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        with self._reach.asking():
            if not self._checked:
                self._check()
                self._checked = True
            yield self._client

    def _terminal(self, failed: Exception) -> MienError | None:
        """A refusal is for good unless the server says that it passes."""
        errors = self._redis.exceptions
        if isinstance(failed, errors.AuthenticationError | errors.NoPermissionError):
            return WorkspaceError(
                "{name} refuses: {failed}. Set MIEN_STORES_PASSWORD, or its rules.",
                name=self._reach.name,
                failed=failed,
            )
        if isinstance(failed, errors.ResponseError) and not str(failed).startswith(PASSING):
            return WorkspaceError(
                "{name} refuses: {failed}. Does something else use this namespace?",
                name=self._reach.name,
                failed=failed,
            )
        return None

    def _check(self) -> None:
        """Raise `WorkspaceError` for a newer format, and for a server that may lose states."""
        found = self._client.hget(self._progress, "format")
        if found is not None and int(found) > FORMAT:
            raise WorkspaceError(
                "{name} holds states of version {found}, this Mien knows up to {format}. Install a newer Mien.",
                name=self._reach.name,
                found=int(found),
                format=FORMAT,
            )
        if not self._durable:
            return
        try:
            told = {name: self._client.config_get(name)[name] for name in DURABLE}
        except (self._redis.exceptions.ResponseError, KeyError):
            raise WorkspaceError(
                "{name} does not tell whether it keeps what it acknowledges. {accept}",
                name=self._reach.name,
                accept=_ACCEPT,
            ) from None
        wrong = [f"{name} {told[name]}" for name, wanted in DURABLE.items() if told[name] != wanted]
        if wrong:
            right = ", ".join(f"{name} {wanted}" for name, wanted in DURABLE.items())
            raise WorkspaceError(
                "{name} has {wrong}: states may get lost. Set {right}. {accept}",
                name=self._reach.name,
                wrong=wrong,
                right=right,
                accept=_ACCEPT,
            )

    def _block(self, user: int) -> str:
        return f"{self._key}:states:{user // BLOCK}"

    # -- reading ----------------------------------------------------------------------------------------------

    def read(self, user: UserRow) -> bytes | None:
        with self._asking() as client:
            found: bytes | None = client.hget(self._block(user), int(user))
            return found

    def read_many(self, users: Iterable[UserRow]) -> dict[UserRow, bytes]:
        blocks: dict[str, list[UserRow]] = defaultdict(list)
        for user in users:
            blocks[self._block(user)].append(user)
        with self._asking() as client, client.pipeline(transaction=False) as asked:
            for block, wanted in blocks.items():
                asked.hmget(block, [int(user) for user in wanted])
            answers = asked.execute()
        return {
            user: data
            for wanted, found in zip(blocks.values(), answers, strict=True)
            for user, data in zip(wanted, found, strict=True)
            if data is not None
        }

    def offset(self) -> int:
        with self._asking() as client:
            return int(client.hget(self._progress, "offset") or 0)

    def users(self) -> Iterator[UserRow]:
        with self._asking() as client:
            blocks = sorted(int(block) for block in client.smembers(self._blocks))
        for block in blocks:
            with self._asking() as client:
                found = client.hkeys(self._block(block * BLOCK))
            yield from sorted(UserRow(int(user)) for user in found)

    def __len__(self) -> int:
        with self._asking() as client:
            blocks = client.smembers(self._blocks)
            with client.pipeline(transaction=False) as asked:
                for block in blocks:
                    asked.hlen(self._block(int(block) * BLOCK))
                return sum(asked.execute())

    # -- writing ----------------------------------------------------------------------------------------------

    def write(self, states: Iterable[tuple[UserRow, bytes]], offset: int | None = None) -> None:
        blocks: dict[int, dict[int, bytes]] = defaultdict(dict)
        for user, data in states:  # drawn in full first: a failing source leaves the store as it was
            blocks[user // BLOCK][int(user)] = data
        with self._changing() as change:
            for block, mapping in blocks.items():
                change.hset(self._block(block * BLOCK), mapping=mapping)
            if blocks:
                change.sadd(self._blocks, *blocks)
            if offset is not None:
                change.hset(self._progress, "offset", int(offset))

    def delete(self, users: Iterable[UserRow]) -> None:
        gone = [int(user) for user in users]
        with self._changing() as change:
            for user in gone:
                change.hdel(self._block(user), user)

    def clear(self) -> None:
        with self._asking() as client:
            blocks = [self._block(int(block) * BLOCK) for block in client.smembers(self._blocks)]
        with self._changing() as change:
            for key in (*blocks, self._blocks):
                change.delete(key)
            change.hdel(self._progress, "offset")

    @contextmanager
    def _changing(self) -> Iterator[Any]:
        """Commands that happen together or not at all, and not after somebody else's that came between."""
        with self._asking() as client, client.pipeline(transaction=True) as change:
            change.watch(self._progress)
            change.multi()
            change.hset(self._progress, "format", FORMAT)
            change.hincrby(self._progress, "version", 1)
            yield change
            change.execute()

    def purge(self) -> None:
        """Have the server write its append-only file, and its snapshot if it keeps one, anew from what is left."""
        with self._asking() as client:
            try:
                if client.config_get("appendonly").get("appendonly") == "yes":
                    client.bgrewriteaof()
                    self._await("aof_rewrite_in_progress", "aof_rewrite_scheduled")
                if client.config_get("save").get("save"):
                    client.bgsave(schedule=True)
                    self._await("rdb_bgsave_in_progress")
            except self._redis.exceptions.ResponseError as refused:
                log.warning("%s does not rewrite its files (%s): its operator has to", self._reach.name, refused)

    def _await(self, *running: str) -> None:
        until = time.monotonic() + REWRITE_S
        while any(int(self._client.info("persistence")[name]) for name in running):
            if time.monotonic() > until:
                raise TransientError("{name} still writes its files anew. Ask again later.", name=self._reach.name)
            time.sleep(0.02)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
"""Settings of a server that keeps what it acknowledges."""
_ACCEPT = Phrase("Or accept the risk: durable = false under [stores].")
