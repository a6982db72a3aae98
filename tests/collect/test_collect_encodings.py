"""Encodings by fixed rules, and text that is clean whatever stood in it."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.collect.encodings import BAD, BLOCK, LONG, NUL, OPEN, CleanText, judge_encoding


@pytest.mark.parametrize(
    ("text", "written", "found"),
    [
        ("plain, ASCII\n", "ascii", None),
        ("用户,浏览\n", "utf-8", "utf-8"),
        ("用户,浏览,商品\n加入购物车\n", "gb18030", "gb18030"),
        ("Café crème, déjà vu\nnaïve\n", "latin-1", "latin-1"),
        ("Größe;Ärmel;süß\n", "latin-1", "latin-1"),
        ("It’s “here” – now\n", "cp1252", "cp1252"),
        ("Café\n", "utf-8", "utf-8"),
    ],
)
def test_encodings_by_hand(text: str, written: str, found: str | None) -> None:
    assert judge_encoding(text.encode(written)) == found


def test_another_alphabet_is_told_and_can_be_stated(gather: Any) -> None:
    text = "user_id,action,time,note\n" + "u,view,2024-01-01,Привет как дела сегодня у вас всё хорошо\n" * 20
    got = gather(text.encode("cp1251"), "a.csv")
    assert any("cp1251" in str(message) for message in got.report.messages)
    stated = gather(
        text.encode("cp1251"), "a.csv", mapping=got.report.mapping.replace("[map]", 'encoding="cp1251"\n[map]')
    )
    assert "Привет" in stated.rows()[0]["properties"]
    assert stated.report.messages == ()
    french = "user_id,action,time,note\n" + "u,view,2024-01-01,Café crème et déjà vu\n" * 20
    assert gather(french.encode("latin-1"), "b.csv").report.messages == ()


def clean(data: bytes, **options: object) -> str:
    return CleanText(io.BytesIO(data), **options).read().decode()  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cn", "Cc"], exclude_characters='"')),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
def test_clean_text_of_a_stated_encoding_is_the_text(text: str, encoding: str) -> None:
    lines = f"a,用户,浏览\n{text}\nend\n"
    stated = encoding if encoding == "gb18030" else None
    assert clean(lines.encode(encoding), encoding=stated) == lines


def test_what_is_decided_late_is_decided_right() -> None:
    lines = b"plain,row\n" * (BLOCK // 10 * 2) + "用户,浏览\n".encode("gb18030")
    stream = CleanText(io.BytesIO(lines))
    assert stream.read().decode().endswith("用户,浏览\n")
    assert stream.encoding == "gb18030"


def test_marks_by_hand() -> None:
    assert clean("a\n用户用户用户\n".encode() + b"x\xffy\n" + "用\n".encode()) == f"a\n用户用户用户\nx{BAD}y\n用\n"
    assert clean(b"a\0b\n") == f"a{NUL}b\n"
    assert clean(b'a,"b\n' + b"c\n" * 60) == f"{OPEN}a,b\n" + "c\n" * 60
    assert clean(b"a\n" + b"x" * (2 << 20) + b"\nb\n") == f"a\n{LONG}{'x' * 1000}\nb\n"
    assert clean(b"a\rb\rc") == "a\nb\nc"


def test_reading_in_any_portion_gives_the_same() -> None:
    data = ('u,"two\nlines",用户\n' * 50_000).encode()
    stream = CleanText(io.BytesIO(data))
    assert stream.peek(7) == data[:7]
    portions = b"".join(iter(lambda: stream.read(1 << 16), b""))
    assert portions == data
