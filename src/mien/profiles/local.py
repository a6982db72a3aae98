"""Numbers, money and times as people of a language write them."""

import math
from datetime import datetime

from mien.core.clock import load_zone
from mien.profiles.wording import Language

SYMBOLS: dict[str, tuple[str, str]] = {
    "AUD": ("A$", "AU$"),
    "CAD": ("CA$", "CA$"),
    "CNY": ("CN¥", "¥"),
    "EUR": ("€", "€"),
    "GBP": ("£", "£"),
    "HKD": ("HK$", "HK$"),
    "INR": ("₹", "₹"),
    "JPY": ("¥", "JP¥"),
    "KRW": ("₩", "₩"),
    "SGD": ("SGD ", "SGD "),
    "TWD": ("NT$", "NT$"),
    "USD": ("$", "US$"),
}
"""ISO 4217 code → symbol in English and Chinese; any other code stands before the amount."""
WHOLE = frozenset({"JPY", "KRW", "VND", "CLP", "ISK"})
"""Currencies without a smaller unit."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money(amount: float, currency: str, language: Language) -> str:
    """ "$1,234.50", "US$1,234.50", "¥1,234.50"; a minus stands before the symbol.

    What would be rounded to nothing, such as the price of a gram, has two digits that say something: "$0.0027".
    """
    symbol = SYMBOLS.get(currency, (f"{currency} ",) * 2)[language == "zh"]
    digits = 0 if currency in WHOLE else 2
    if 0 < abs(amount) < 0.5 * 10**-digits:
        digits = 1 - math.floor(math.log10(abs(amount)))
    return f"{'−' if amount < 0 else ''}{symbol}{abs(amount):,.{digits}f}"


def number(value: float, digits: int = 0) -> str:
    """ "1,234", "−0.25"; both languages group by thousands."""
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def percent(share: float, digits: int = 0) -> str:
    """ "12%"; a share that would be rounded to nothing is "<1%", and "–" where it is unknown."""
    if math.isnan(share):
        return "–"
    if 0 < share < 0.5 * 10 ** -(digits + 2):
        return f"<{10**-digits:g}%"
    return f"{100 * share:.{digits}f}%"


def day(at: datetime, zone: str, language: Language) -> str:
    """ "21 Nov 2026", "2026年11月21日", in the zone."""
    local = at.astimezone(load_zone(zone))
    if language == "zh":
        return f"{local.year}年{local.month}月{local.day}日"
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def moment(at: datetime, zone: str, language: Language) -> str:
    """A day and the time, to the minute."""
    local = at.astimezone(load_zone(zone))
    return f"{day(at, zone, language)}{' ' if language == 'zh' else ', '}{local:%H:%M}"


def beginning(start: str, language: Language, *, year: bool = False) -> str:
    """The beginning of a local day or hour, "2026-11-28" or "2026-11-28 14:00", short enough for an axis.

    "28 Nov", "11月28日 14:00"; with `year` "28 Nov 2026", "2026年11月28日 14:00".
    """
    at = datetime.fromisoformat(start)
    hour = f"{' ' if language == 'zh' or not year else ', '}{at:%H:%M}" if ":" in start else ""
    if language == "zh":
        return f"{f'{at.year}年' if year else ''}{at.month}月{at.day}日{hour}"
    return f"{at.day} {MONTHS[at.month - 1]}{f' {at.year}' if year else ''}{hour}"


def month(year: int, month_: int, language: Language) -> str:
    """ "Nov 2026", "2026年11月"."""
    return f"{year}年{month_}月" if language == "zh" else f"{MONTHS[month_ - 1]} {year}"
