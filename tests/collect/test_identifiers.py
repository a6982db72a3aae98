"""Direct identifiers are found by shape and check digit; the numbers of a shop survive, real titles and queries too."""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.collect.cleaning import Cleaner
from mien.collect.identifiers import EMAIL, NUMBERS, Pattern, find, luhn, search, suspect

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CLEANER = Cleaner()

TAKEN = {
    "write to ann.b+shop@mail.example.co.uk please": "write to <EMAIL> please",
    "邮箱ann@qq.com，谢谢": "邮箱<EMAIL>，谢谢",
    "邮箱ａnn＠qq.com": "邮箱ａ<EMAIL>",
    "送到 138 0013 8000": "送到 <PHONE>",
    "有需要联系我13754900130": "有需要联系我<PHONE>",
    "+86-13754900130 或 010-51236699": "<PHONE> 或 <PHONE>",
    "１３７５４９００１３０": "<PHONE>",
    "call (212) 555-0143 or 212-555-0143": "call <PHONE> or <PHONE>",
    "+44 20 7946 0958": "<PHONE>",
    "my phone: 7946 0958": "my phone: <PHONE>",
    "身份证11010519491231002X": "身份证<ID_CARD>",
    "A123456(3) is mine": "<ID_CARD> is mine",
    "A123413(A)": "<ID_CARD>",
    "card 4111 1111 1111 1111": "card <CARD>",
    "卡号6222021234567890128": "卡号<CARD>",
    "3782-822463-10005": "<CARD>",
    "DE89 3704 0044 0532 0130 00": "<IBAN>",
    "GB82WEST12345698765432": "<IBAN>",
    "护照号E12345678": "护照号<PASSPORT>",
    "passport no. AB1234567": "passport no. <PASSPORT>",
    "from 192.168.1.77": "from <IP>",
    "2001:0db8:85a3:0000:0000:8a2e:0370:7334": "<IP>",
    "fe80:0:0:1::8a2e": "<IP>",
}
LEFT = (
    "iPhone 13 Pro Max 256GB", "6901234567892", "EAN 4006381333931", "EAN 9780306406157", "20 x 30 x 40 cm",
    "1001-234-567", "订单号 1442083355", "order 10012345678901", "3.5 in. x 1.25 in. (100-pack)", "￥1299.00",
    "2024-11-28 15:19:36", "12:30:45", "windows 10.0.19.1", "v192.168.1.77", "logo@2x.png", "#8E44AD", "00:1B:44",
    "4111 1111 1111 1112", "110105194912310021", "DE89370400440532013001", "A123456(4)", "0.13754900130", "1080p 144hz",
    "E12345678", "iphone 12345678", "0000000000000000", "1,234,567.89", "550e8400-e29b-41d4-a716-446655440000",
    "尺码 165/88A", "1 1/2 in. 2000-4000 psi", "+100000 lumen",
)  # fmt: skip


@pytest.mark.parametrize("text", TAKEN)
def test_identifiers_are_taken_out(text: str) -> None:
    assert CLEANER.text(text) == TAKEN[text]


@pytest.mark.parametrize("text", LEFT)
def test_numbers_of_a_shop_are_left(text: str) -> None:
    assert CLEANER.text(text) is text, find(text)


def test_luhn_by_hand() -> None:
    assert luhn("79927398713")  # 7+9·2→9+9+2·2+7+3·2+9+8·2→7+7+1·2+3 = 70
    assert not luhn("79927398710")


def test_equal_ones_are_joined_by_a_keyed_hash() -> None:
    one, other = Cleaner(b"k" * 32), Cleaner(b"x" * 32)
    assert one.text("138 0013 8000") == one.text("+86 13800138000") == one.text("13800138000")
    assert one.text("Ann@Example.com") == one.text("ann@example.com") != one.text("bob@example.com")
    assert one.text("13800138000") != other.text("13800138000")
    assert one.text("13800138000").startswith("<PHONE:")
    assert one.text(one.text("13800138000")) == one.text("13800138000"), "cleaned twice is cleaned once"


IN_IDENTIFIERS = "0123456789０１２３４５６７８９.．@＠+＋-－:：() \u00a0axXfF#s电话手机护照phonetel"
PIECES = st.sampled_from([*TAKEN, *LEFT, *(text[:9] for text in TAKEN), *(text[-9:] for text in TAKEN)])
TEXTS = st.lists(PIECES | st.text(IN_IDENTIFIERS, max_size=24) | st.text(max_size=4), max_size=4).map("".join)


@settings(max_examples=2000, deadline=None)
@given(TEXTS, st.booleans())
def test_a_text_that_is_not_suspect_has_no_identifier(text: str, numbers: bool) -> None:
    found = search(text, numbers=numbers)
    assert find(text, numbers=numbers) == found
    assert suspect(text, numbers=numbers) or not found


@pytest.mark.parametrize("pattern", [EMAIL, *NUMBERS], ids=lambda pattern: pattern.kind)
def test_whatever_has_the_shape_of_an_identifier_is_suspect(pattern: Pattern) -> None:
    @settings(max_examples=300, deadline=None)
    @given(st.from_regex(pattern.shape))
    def law(text: str) -> None:
        assert suspect(text) or not search(text)

    law()


@pytest.mark.parametrize("text", [*TAKEN, "MT31 MALT OOOO SOUTH"])
def test_every_identifier_is_suspect(text: str) -> None:
    assert suspect(text)


def taobao() -> Iterator[str]:
    lines = (DATA / "taobao_queries" / "queries.tsv").read_text(encoding="utf-8").splitlines()
    yield from (line.partition("\t")[2] for line in lines)


def home_depot(column: str) -> Iterator[str]:
    archive = zipfile.ZipFile(DATA / "home_depot" / "train.csv.zip")
    with archive, archive.open(archive.namelist()[0]) as file:
        yield from {row[column] for row in csv.DictReader(io.TextIOWrapper(file, "latin-1"))}


def games() -> Iterator[str]:
    with gzip.open(DATA / "games_titled" / "items.tsv.gz", "rt", encoding="utf-8") as file:
        yield from file


REAL: dict[str, tuple[Callable[[], Iterator[str]], int, int]] = {
    "taobao queries": (taobao, 100_000, 2),  # two are telephone numbers that somebody searched for
    "home depot queries": (lambda: home_depot("search_term"), 11_795, 0),
    "home depot titles": (lambda: home_depot("product_title"), 53_489, 0),
    "games": (games, 16_860, 0),
}


@pytest.mark.parametrize("name", REAL)
def test_real_queries_and_titles_survive(name: str) -> None:
    read, least, changed = REAL[name]
    texts = list(read())
    assert len(texts) >= least
    assert len([text for text in texts if CLEANER.text(text) is not text]) == changed
