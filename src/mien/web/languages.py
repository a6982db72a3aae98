"""In which language somebody is answered: what they accept, as their requests say."""

from starlette.datastructures import Headers
from starlette.types import Scope as Connection

from mien.core.phrase import Language


def preferred(accepted: str, otherwise: Language) -> Language:
    """The language of ours that an `Accept-Language` likes best, the first named of equals; RFC 9110, 12.5.4."""
    liked = sorted(map(_range, accepted.split(",")), key=lambda one: -one[1])
    for name, weight in liked:
        if weight > 0 and name.startswith(("zh", "en")):
            return "zh" if name.startswith("zh") else "en"
    return otherwise


def asked_in(connection: Connection) -> Language:
    """The language of whoever asks the API; English where they name none of ours."""
    return preferred(Headers(scope=connection).get("accept-language", ""), "en")


def _range(part: str) -> tuple[str, float]:
    """`zh-CN;q=0.8` → ("zh-cn", 0.8); a weight that is none counts as none at all."""
    name, _, weight = part.partition(";")
    try:
        return name.strip().lower(), float(weight.strip().removeprefix("q=") or 1)
    except ValueError:
        return name.strip().lower(), 0.0
