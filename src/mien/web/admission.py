"""Who is let in: the key, what it may do, and how often. The one policy, for keys in headers and in bodies."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

from mien.core.caller import LOCAL, Caller, Scope
from mien.core.phrase import Phrase
from mien.settings import ServerSettings
from mien.web.buckets import Buckets
from mien.web.keys import KeyCheck, caller_of_key
from mien.web.refusals import Forbidden, NotAllowed, OtherHost, TooMany

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Asking:
    """What is known of whoever asks before their key is looked at: `address`, and the `host` they asked for."""

    address: str
    host: str


class Admission:
    """Admits askers. Rates are of this process: several workers admit that many times as much.

    `local`: while there are no keys, the server answers only to names of this machine. Without that, a page that
    somebody reads in a browser could ask it by a name of its own that leads here.
    """

    def __init__(
        self,
        keys: KeyCheck,
        settings: ServerSettings,
        *,
        local: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys, self.local, self.clock = keys, local, clock
        self._by_key = Buckets(settings.key_rate, settings.key_rate * settings.burst_s)
        self._by_address = Buckets(settings.address_rate, settings.address_rate * settings.burst_s)
        self._wrong = Buckets(settings.wrong_keys / 60, settings.wrong_keys)

    async def admit(self, key: str | None, needs: Scope, asking: Asking) -> Caller:
        """The caller, where the key may do that, and now. Raises `NotAllowed`, `Forbidden` or `TooMany`.

        What a stranger may send, with a write key (which lies open in pages) or none, counts by address; what a
        key sends counts by key.
        """
        if not self.keys.configured():
            self.look_at_host(asking)
            return LOCAL
        caller = (key and self.keys.remembered(key)) or await self._found(key, asking)
        if caller.scope == "write":
            self.count_stranger(asking)
        if wait_s := self._by_key.take(caller.key_id, self.clock()):
            raise TooMany(Phrase("requests with this key"), wait_s)
        if not caller.may(needs):
            raise Forbidden(caller, needs)
        return caller

    def look_at_host(self, asking: Asking) -> None:
        """Raises `OtherHost` for a name that is not this machine's, while there are no keys."""
        if self.local and asking.host not in LOOPBACK and not self.keys.configured():
            raise OtherHost

    async def _found(self, key: str | None, asking: Asking) -> Caller:
        """Whose a key is that is not known yet; guessing is slow."""
        address = network(asking.address)
        if wait_s := self._wrong.wait_s(address, self.clock()):
            raise TooMany(Phrase("wrong keys from this address"), wait_s)
        try:
            return await caller_of_key(self.keys, key)
        except NotAllowed:
            self.count_stranger(asking)
            if key is not None:
                self._wrong.take(address, self.clock())
            raise

    def count_stranger(self, asking: Asking) -> None:
        """Count a request that comes without a key of a server's. Raises `TooMany`."""
        if wait_s := self._by_address.take(network(asking.address), self.clock()):
            raise TooMany(Phrase("requests from this address"), wait_s)


def network(address: str) -> str:
    """What counts as one address: of IPv6 the first 64 bits, which one household has to itself."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    except ValueError:
        return address
