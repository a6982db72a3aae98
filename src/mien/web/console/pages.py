"""The pages of the console."""

from mien.web.console import login
from mien.web.console.overview import PATH as OVERVIEW
from mien.web.console.overview import overview
from mien.web.console.quality import PATH as QUALITY
from mien.web.console.quality import quality
from mien.web.console.segment import segment
from mien.web.console.segment_links import NEW, SEGMENT
from mien.web.console.segment_links import PATH as SEGMENTS
from mien.web.console.segment_new import segment_new
from mien.web.console.segments import segments
from mien.web.console.shell import NEEDS, shell
from mien.web.console.system import PATH as SYSTEM
from mien.web.console.system import system
from mien.web.console.tags import PATH as TAGS
from mien.web.console.tags import tags
from mien.web.console.user import PATH as USER
from mien.web.console.user import user
from mien.web.console.users import PATH as USERS
from mien.web.console.users import users
from mien.web.look import frame
from mien.web.look.frame import Page
from mien.web.look.visit import Site

PAGES: dict[str, Page] = {
    OVERVIEW: overview,
    USERS: users,
    USER: user,
    TAGS: tags,
    SEGMENTS: segments,
    SEGMENT: segment,
    NEW: segment_new,
    QUALITY: quality,
    SYSTEM: system,
}
"""Path → page; `shell.SECTIONS` has those that the bar on top leads to."""


def add(site: Site) -> None:
    """Serve them, and the page where one signs in."""
    frame.register(site, PAGES, shell, NEEDS)
    login.add(site)
