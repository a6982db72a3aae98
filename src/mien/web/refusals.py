"""Why a request is refused before it is answered: keys, rates, sizes, times. `errors.STATUS` has the status of each."""

from mien.core.caller import Caller, Scope
from mien.core.errors import MienError, TransientError, UsageError
from mien.core.phrase import Phrase


class NotAllowed(MienError):
    """No key, or one that is unknown or revoked."""

    code = "not_allowed"


class Forbidden(MienError):
    """A key whose scope is not enough. Facts: `caller`, `needed`."""

    code = "forbidden"

    def __init__(self, caller: Caller, needed: Scope) -> None:
        self.caller, self.needed = caller, needed
        super().__init__(
            "The key “{name}” has the scope {scope}; this needs {needed}.",
            name=caller.name,
            scope=caller.scope,
            needed=needed,
        )


class OtherHost(MienError):
    """A server without keys was asked by another name than this machine's, as a page of strangers would."""

    code = "forbidden"

    def __init__(self) -> None:
        super().__init__("Without keys this server answers to the name localhost only. Make one with: mien keys add")


class NotThere(MienError):
    """A path that is no route."""

    code = "http"

    def __init__(self) -> None:
        super().__init__("Not Found")


class TooMany(TransientError):
    """More requests than a key or an address may send. Fact: `retry_s`."""

    code = "rate_limited"

    def __init__(self, what: Phrase, wait_s: float) -> None:
        self.retry_s = max(1, round(wait_s + 0.5))
        super().__init__("Too many {what}. Send the next one in {retry_s} s.", what=what, retry_s=self.retry_s)


class Busy(TransientError):
    """More requests are being answered than may be at once."""

    code = "busy"
    retry_s = 1

    def __init__(self) -> None:
        super().__init__("Too many requests are being answered. Ask again in a second.")


class TooLarge(UsageError):
    """A body above the limit, as it came or unpacked."""

    code = "too_large"

    def __init__(self, most: int) -> None:
        super().__init__("A body may have {most:,} bytes. Send it in smaller parts.", most=most)


class HeadTooLarge(UsageError):
    """Too many headers, or too long ones."""

    code = "head_too_large"

    def __init__(self, headers: int, size: int) -> None:
        super().__init__(
            "A request may have {headers} headers of {size:,} bytes together. Send fewer.", headers=headers, size=size
        )


class TooSlow(UsageError):
    """A body that did not arrive in time."""

    code = "too_slow"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "The body did not arrive within {seconds:g} s. Send it again, in smaller parts.", seconds=seconds
        )
