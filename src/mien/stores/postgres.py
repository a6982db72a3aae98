"""States in PostgreSQL: one row a user in a schema of the shop's own, the log offset changed in the same transaction.

Every writer first locks the row of the offset: a write that was given up and is finished late by a slow server comes
before the next one, never after it. Commits are synchronous whatever the server's default. An update leaves the old
row in the table until it is vacuumed, and in the server's write-ahead log until that is recycled (docs/stores.md).
"""

import select
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mien.core.errors import MienError, TransientError, WorkspaceError
from mien.core.extras import require
from mien.core.ids import UserRow
from mien.stores.server import Reach, plain_name

FORMAT = 1
CONNECTIONS = 8
"""Connections of one process; further threads wait for one."""
PURGE_S = 600.0
"""How long writing the table anew may take."""

_TABLES = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE {schema}.state (user_row bigint PRIMARY KEY, bytes bytea NOT NULL) WITH (fillfactor = 80);
ALTER TABLE {schema}.state ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE TABLE {schema}.progress (format integer NOT NULL, tail_offset bigint NOT NULL);
INSERT INTO {schema}.progress VALUES (1, 0);
"""
_WRITE = """
INSERT INTO {schema}.state SELECT * FROM unnest(%s::bigint[], %s::bytea[])
ON CONFLICT (user_row) DO UPDATE SET bytes = excluded.bytes
"""


class PostgresStore:
    """A `ProfileStore` in a PostgreSQL database, in the schema `mien_NAMESPACE`. One object may serve many threads.

    Nothing is asked of the server before the first use. Raises `TransientError` where it does not answer within
    `wait_s` seconds, `WorkspaceError` where it refuses or, with `durable`, does not keep what it commits.
    """

    def __init__(
        self, url: str, *, namespace: str, password: str = "", wait_s: float = 5.0, durable: bool = True
    ) -> None:
        self._psycopg = require("postgres", "psycopg")
        self._url, self._password, self._wait_s, self._durable = url, password, wait_s, durable
        self._schema = f"mien_{namespace}"
        self._reach = Reach(plain_name(url), self._psycopg.Error, self._terminal)
        self._idle: list[Any] = []
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        self._checked = False

    # -- connections ------------------------------------------------------------------------------------------

    @contextmanager
    def _asking(self, wait_s: float = 0) -> Iterator[Any]:
        """A connection, handed back afterwards; one that failed is closed. `wait_s`: longer than usual."""
        if not self._free.acquire(timeout=self._wait_s):
            raise TransientError(
                "{name}: all {connections} connections are busy. Try again.",
                name=self._reach.name,
                connections=CONNECTIONS,
            )
        try:
            with self._reach.asking():
                connection = self._at_hand() or self._connect()
                connection.wait_s = wait_s or self._wait_s
                try:
                    if not self._checked:
                        self._check(connection)
                    yield connection
                except BaseException:
                    connection.close()
                    raise
                self._idle.append(connection)
        finally:
            self._free.release()

    def _at_hand(self) -> Any:
        """An idle connection that is still one; None where there is none. What is readable unasked was closed."""
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                readable = select.poll()  # `select` takes no file of a number above 1,023; a server has more open
                readable.register(connection, select.POLLIN)
                if not readable.poll(0):
                    return connection
                connection.close()

    def _connect(self) -> Any:
        """A new connection. Commits are synchronous; work that a client gave up ends on the server, too."""
        limit_ms = round(self._wait_s * 1000)
        options = (
            f"-c synchronous_commit=on -c idle_in_transaction_session_timeout={limit_ms} -c lock_timeout={limit_ms}"
        )
        told: dict[str, Any] = {"password": self._password} if self._password else {}
        return _limited(self._psycopg).connect(
            self._url, autocommit=True, connect_timeout=max(2, round(self._wait_s)), options=options, **told
        )

    def _terminal(self, failed: Exception) -> MienError | None:
        """A refusal is for good; a connection lost, a full disk, a lock or a stand-by server are not."""
        errors = self._psycopg.errors
        if "authentication failed" in str(failed):
            return WorkspaceError(
                "{name} refuses: {failed}. Set MIEN_STORES_PASSWORD.", name=self._reach.name, failed=failed
            )
        if isinstance(failed, errors.OperationalError | errors.InterfaceError | errors.ReadOnlySqlTransaction):
            return None
        return WorkspaceError(
            "{name} refuses: {failed}. Look at its rights and log.",
            name=self._reach.name,
            failed=str(failed).splitlines()[0],
        )

    def _check(self, connection: Any) -> None:
        """Make the tables where there are none. Raises for a newer format, and for a server that does not sync."""
        if self._durable and connection.execute("SHOW fsync").fetchone()[0] != "on":
            raise WorkspaceError(
                "{name} has fsync off: states may get lost. Switch it on, or accept the risk: durable = "
                "false under [stores].",
                name=self._reach.name,
            )
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (self._schema,))
            if connection.execute("SELECT to_regclass(%s)", (f"{self._schema}.progress",)).fetchone()[0] is None:
                connection.execute(self._sql(_TABLES))
        (version,) = connection.execute(self._sql("SELECT format FROM {schema}.progress")).fetchone()
        if version > FORMAT:
            raise WorkspaceError(
                "{name} holds states of version {version}, this Mien knows up to {format}. Install a newer Mien.",
                name=self._reach.name,
                version=version,
                format=FORMAT,
            )
        self._checked = True

    def _sql(self, query: str) -> str:
        return query.replace("{schema}", self._schema)  # a name of our own alphabet: stores/options.py

    @contextmanager
    def _changing(self) -> Iterator[Any]:
        """A transaction in its turn."""
        with self._asking() as connection, connection.transaction():
            connection.execute(self._sql("SELECT 1 FROM {schema}.progress FOR UPDATE"))
            yield connection

    # -- states -----------------------------------------------------------------------------------------------

    def read(self, user: UserRow) -> bytes | None:
        return self.read_many([user]).get(user)

    def read_many(self, users: Iterable[UserRow]) -> dict[UserRow, bytes]:
        query = self._sql("SELECT user_row, bytes FROM {schema}.state WHERE user_row = ANY(%s::bigint[])")
        with self._asking() as connection:
            found = connection.execute(query, ([int(user) for user in users],), binary=True).fetchall()
        return dict(found)

    def write(self, states: Iterable[tuple[UserRow, bytes]], offset: int | None = None) -> None:
        fresh = dict(states)  # drawn in full first; of a user named twice the last state counts
        with self._changing() as connection:
            if fresh:
                connection.execute(self._sql(_WRITE), ([int(user) for user in fresh], list(fresh.values())))
            if offset is not None:
                connection.execute(self._sql("UPDATE {schema}.progress SET tail_offset = %s"), (int(offset),))

    def offset(self) -> int:
        with self._asking() as connection:
            return int(connection.execute(self._sql("SELECT tail_offset FROM {schema}.progress")).fetchone()[0])

    def delete(self, users: Iterable[UserRow]) -> None:
        query = self._sql("DELETE FROM {schema}.state WHERE user_row = ANY(%s::bigint[])")
        with self._changing() as connection:
            connection.execute(query, ([int(user) for user in users],))

    def clear(self) -> None:
        with self._changing() as connection:
            connection.execute(self._sql("TRUNCATE {schema}.state"))
            connection.execute(self._sql("UPDATE {schema}.progress SET tail_offset = 0"))

    def purge(self) -> None:
        """Write the table anew from what is left. Reads wait meanwhile. Cost: some seconds a million users."""
        with self._asking(PURGE_S) as connection:
            connection.execute(self._sql("VACUUM (FULL) {schema}.state"))

    def users(self) -> Iterator[UserRow]:
        query = self._sql("SELECT user_row FROM {schema}.state WHERE user_row > %s ORDER BY user_row LIMIT 10000")
        after = -1
        while True:  # by pages of keys, so that no transaction stays open
            with self._asking() as connection:
                page = connection.execute(query, (after,)).fetchall()
            if not page:
                return
            yield from (UserRow(user) for (user,) in page)
            after = page[-1][0]

    def __len__(self) -> int:
        with self._asking() as connection:
            return int(connection.execute(self._sql("SELECT count(*) FROM {schema}.state")).fetchone()[0])

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()


def _limited(psycopg: Any) -> Any:
    """A connection class that waits for an answer no longer than its `wait_s`; libpq itself would wait for ever."""

    class Limited(psycopg.Connection):  # type: ignore[misc]
        wait_s = 5.0

        def wait(self, generator: Any, *options: Any, **named: Any) -> Any:
            return super().wait(generator, *options, **{"timeout": self.wait_s, **named})

    return Limited
