"""Where folded states rest: a file of the workspace, or a server."""

import re
from dataclasses import dataclass, field

from mien.core.errors import UsageError

NAMESPACE = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Which store keeps the profiles, and what is expected of it."""

    profiles: str = field(
        default="sqlite",
        metadata={"help": "sqlite: a file of the workspace; redis://, rediss:// or postgresql://: a server"},
    )
    password: str = field(default="", metadata={"help": "the server's password; give it as MIEN_STORES_PASSWORD"})
    namespace: str = field(
        default="", metadata={"help": "under which name a server keeps this shop's states; empty: one of its own"}
    )
    wait_s: float = field(default=5.0, metadata={"help": "seconds until a server that does not answer counts as away"})
    durable: bool = field(
        default=True, metadata={"help": "refuse a server that may lose or evict what it has acknowledged"}
    )

    def __post_init__(self) -> None:
        if self.namespace and not NAMESPACE.fullmatch(self.namespace):
            raise UsageError(
                "The namespace “{namespace}” will not do: up to 40 lower-case letters, digits and underscores.",
                namespace=self.namespace,
            )
        if not 0.05 <= self.wait_s <= 600:
            raise UsageError("stores.wait_s lies between 0.05 and 600 seconds.")
