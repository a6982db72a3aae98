"""Where segments are shown."""

from urllib.parse import urlencode

from mien.web.look.parts import El, link

PATH = "/console/segments"
SEGMENT = "/console/segment"
NEW = "/console/segments/new"


def segment_address(name: str) -> str:
    """The address of a saved segment."""
    return f"{SEGMENT}?{urlencode({'name': name})}"


def edit_address(name: str) -> str:
    """Where its rule is changed."""
    return f"{NEW}?{urlencode({'name': name})}"


def segment_link(name: str) -> El:
    """A link to a saved segment, as a chip."""
    return link(name, segment_address(name), "a.chip")
