"""The pages of the console."""

from mien.web.console.shell import shell
from mien.web.console.users import PATH as USERS
from mien.web.console.users import users
from mien.web.look import frame
from mien.web.look.frame import Page
from mien.web.look.visit import Site


def add(site: Site) -> None:
    """Serve them."""
    frame.register(site, PAGES, shell)


PAGES: dict[str, Page] = {"/console": users, USERS: users}
