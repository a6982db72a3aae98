"""Direct identifiers in free text: what they look like, and the check digits that tell them from other numbers.

Shops are full of numbers: prices, sizes, models, orders, EAN codes. So a run of digits alone is nobody's: it must have
the shape of what it is taken for and pass that thing's checksum, or stand behind a word that says what it is.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643-1999, the last of 18 places: Σ weight · digit, modulo 11."""
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24,
    "SA": 24, "SE": 24, "SI": 19, "SK": 24, "TR": 26, "UA": 29,
}  # fmt: skip
"""ISO 13616: letters and digits of an account number, by country."""
FILE_ENDINGS = frozenset(("png", "jpg", "jpeg", "gif", "webp", "svg", "js", "css", "html", "mp4"))
"""logo@2x.png is no address."""

_SUSPECT = re.compile(
    r"[0-9](?:(?:[ \-().]{0,2}[0-9]){6}|[0-9]{0,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9]{5}\(a\)"
    r"|(?<=[a-z][a-z][0-9])[0-9](?: ?[0-9a-z]{4}){2})",
    re.IGNORECASE,
)
_WIDE = {
    ord(wide): plain for wide, plain in zip("０１２３４５６７８９＠＋－（）．：", "0123456789@+-().:", strict=True)
}
"""What Chinese keyboards type for digits and signs, one character for one."""


@dataclass(frozen=True, slots=True)
class Found:
    """An identifier in a text, from `start` to `end` (exclusive)."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one kind looks like; `sound`: whether a match is one. The group `it`, where there is one, is what counts."""

    kind: str
    shape: re.Pattern[str]
    sound: Callable[[str], bool] = lambda text: True

    def find(self, text: str) -> Iterator[Found]:
        """The identifiers of this kind."""
        group = "it" if "it" in self.shape.groupindex else 0
        for match in self.shape.finditer(text):
            if self.sound(match[group]):
                yield Found(match.start(group), match.end(group), self.kind)


def digits(text: str) -> str:
    """The digits of a text."""
    return "".join(one for one in text if one in "0123456789")


def luhn(number: str) -> bool:
    """ISO 7812: every second digit from the right doubled, digits summed, a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        twice = int(digit) * (1 + place % 2)
        total += twice - 9 * (twice > 9)
    return total % 10 == 0


def bank_card(text: str) -> bool:
    """A number as issuers give it (their first digits and lengths) that passes Luhn's check."""
    number = digits(text)
    issued = re.fullmatch(
        r"4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|35\d{14}|62\d{14,17}"
        r"|6(?:011|4[4-9]\d|5\d\d)\d{12}",
        number,
    )
    return issued is not None and luhn(number)


def resident_id(text: str) -> bool:
    """The check digit of a Chinese resident's number."""
    left = sum(weight * int(digit) for weight, digit in zip(ID_WEIGHTS, text[:17], strict=True)) % 11
    return "10X98765432"[left] == text[17].upper()


def iban(text: str) -> bool:
    """ISO 13616: the length of its country, and 1 modulo 97."""
    plain = text.replace(" ", "").upper()
    turned = "".join(str(int(one, 36)) for one in plain[4:] + plain[:4])
    return IBAN_LENGTHS.get(plain[:2]) == len(plain) and int(turned) % 97 == 1


def hong_kong_id(text: str) -> bool:
    """The check digit in brackets: 36 (a blank) or letters from 10 on, weighted 9 … 2, and the digit, modulo 11."""
    letters = re.sub(r"[()]", "", text.upper()).rjust(9)
    values = [36 if one == " " else int(one, 36) for one in letters[:8]]
    check = 10 if letters[8] == "A" else int(letters[8])
    return (sum(weight * value for weight, value in zip(range(9, 1, -1), values, strict=True)) + check) % 11 == 0


def network_address(text: str) -> bool:
    """Four numbers up to 255, not all of them as small as those of a version."""
    numbers = [int(part) for part in text.split(".")]
    return 32 <= max(numbers) <= 255


def email(text: str) -> bool:
    """An address, not the name of a file."""
    return text.rpartition(".")[2].lower() not in FILE_ENDINGS


def telephone(text: str) -> bool:
    """A full number: 8 to 15 digits (E.164)."""
    return 8 <= len(digits(text)) <= 15


def _shape(pattern: str) -> re.Pattern[str]:
    """Digits are those of ASCII: others were made plain before, or are nobody's."""
    return re.compile(pattern.replace(r"[\d", "[0-9").replace(r"\d", "[0-9]"), re.IGNORECASE)


_WORD = r"(?:电话|手机|手機|联系方式|微信|\btel|\bphone|\bmobile|\bwhatsapp)"
EMAIL, NUMBERS = (
    Pattern(
        "EMAIL",
        _shape(r"[a-z0-9._%+\-]{1,64}@(?:[a-z0-9](?:[a-z0-9\-]{0,62})\.){1,4}[a-z]{2,24}(?![a-z0-9])"),
        email,
    ),
    (
        Pattern(
            "ID_CARD",
            _shape(
                r"(?<![0-9a-z])[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dx](?![0-9a-z])"
            ),
            resident_id,
        ),
        Pattern("ID_CARD", _shape(r"(?<![0-9a-z])[a-z]{1,2}\d{6}\([0-9a]\)"), hong_kong_id),
        Pattern("CARD", _shape(r"(?<![\d.\-])\d(?:[ \-]?\d){14,18}(?![\d])"), bank_card),
        Pattern(
            "IBAN", _shape(r"(?<![0-9a-z])[a-z]{2}\d\d(?: ?[0-9a-z]{4}){2,7}(?: ?[0-9a-z]{1,3})?(?![0-9a-z])"), iban
        ),
        Pattern(
            "PASSPORT",
            _shape(
                r"(?:护照|護照|\bpassport)(?:号码?|號碼?| ?no\.?| ?number)?[ :：是#]*"
                r"(?P<it>[a-z]{1,2}\d{7,8})(?![0-9a-z])"
            ),
        ),
        Pattern("PHONE", _shape(r"(?<![\d.+])(?:\+?86[ \-]?)?1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}(?!\d)")),
        Pattern("PHONE", _shape(r"(?<![\d+])\+[1-9](?:[ \-.()]{0,2}\d){7,14}(?!\d)"), telephone),
        Pattern(
            "PHONE",
            _shape(
                r"(?<![\d.\-+])(?:1[\-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d(?P<s>[\-.]))"
                r"[2-9]\d\d(?(s)(?P=s)|[\-. ])\d{4}(?![\d\-])"
            ),
        ),
        Pattern("PHONE", _shape(r"(?<![\d\-])0\d{2,3}-\d{7,8}(?![\d\-])")),
        Pattern(
            "PHONE",
            _shape(
                _WORD + r"(?:号码?|號碼?| ?no\.?| ?number)? ?[:：是为](?: is| at)? ?(?P<it>\d(?:[ \-]?\d){6,14})(?!\d)"
            ),
        ),
        Pattern("IP", _shape(r"(?<![\d.v])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"), network_address),
        Pattern("IP", _shape(r"(?<![0-9a-f:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![0-9a-f:])")),
        Pattern("IP", _shape(r"(?<![0-9a-f:])(?:[0-9a-f]{1,4}:){3,6}(?::[0-9a-f]{1,4}){1,4}(?![0-9a-f:])")),
    ),
)
"""Of several that overlap the first counts."""


def suspect(text: str, *, numbers: bool = True) -> bool:
    """Whether a text has what every identifier has: an @, seven digits in a row or what looks like an address of a
    network or the number of a card or account. Few do, and a text that does not has no identifier. Cost: 0.3 µs.
    """
    plain = text if text.isascii() else text.translate(_WIDE)
    return "@" in plain or (numbers and (_SUSPECT.search(plain) is not None or plain.count(":") > 3))


def find(text: str, *, numbers: bool = True) -> list[Found]:
    """The identifiers of a text, in its order, none overlapping. `numbers`: those of digits too, not only addresses.

    Cost: a µs for a text that has none (`suspect`), some ten µs for another one.
    """
    return search(text, numbers=numbers) if suspect(text, numbers=numbers) else []


def search(text: str, *, numbers: bool = True) -> list[Found]:
    """`find`, whatever the text looks like."""
    text = text if text.isascii() else text.translate(_WIDE)
    found: list[Found] = []
    for pattern in (EMAIL, *(NUMBERS if numbers else ())):
        found += (one for one in pattern.find(text) if not any(overlap(one, other) for other in found))
    return sorted(found, key=lambda one: one.start)


def overlap(one: Found, other: Found) -> bool:
    """Whether two identifiers share a character."""
    return one.start < other.end and other.start < one.end
