"""Reports of a user or a segment as one file of HTML that stands by itself."""

from mien.core.errors import UnknownName
from mien.profiles.wording import Language
from mien.report.crowd import segment_page
from mien.report.person import profile_page
from mien.shop.asking import Asking
from mien.shop.segments import EVERYONE, plain

RECOMMENDED, APART = 10, 40
"""Recommendations of a user, and tags that tell a segment apart, on a page."""


def report_page(shop: Asking, of: str, language: Language | None = None, *, segment: bool = False) -> str:
    """The page of a user, or of a saved segment (or “everyone”) where there is no such user or `segment` is set.

    `language`: None is the shop's. Raises `UnknownName` where neither is known.
    """
    chosen = language or shop.stock.language
    if not segment and shop.stock.catalog.users.row(of) is not None:
        return _of_user(shop, of, chosen)
    known = [one.name for one in shop.segments.all()]
    if of == EVERYONE or of in known:
        return _of_segment(shop, of, chosen)
    raise UnknownName("segment" if segment else "user or segment", of, [*known, EVERYONE])


def _of_user(shop: Asking, user: str, language: Language) -> str:
    settings = shop.settings.shop
    return profile_page(
        shop.profile(user, language=language),
        language=language,
        currency=settings.currency,
        zone=settings.zone,
        recommended=shop.recommend(user, k=RECOMMENDED, language=language),
    )


def _of_segment(shop: Asking, name: str, language: Language) -> str:
    found, settings = shop.segments, shop.settings.shop
    text = EVERYONE if name == EVERYONE else found.get(name).text
    versus = found.versus(name, limit=APART)
    told = {
        "text": text,
        "versus": plain(versus),
        "rfm": plain(found.rfm(name)),
        "retention": plain(found.retention(name)),
    }
    return segment_page(name, told, language=language, currency=settings.currency, lead=settings.name)
