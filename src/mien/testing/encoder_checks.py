"""The laws of content encoders, `for law in ENCODER_LAWS: law(encoder)`, and an encoder to compute by hand."""

from collections.abc import Callable
from threading import get_ident

import numpy as np

from mien.models.content.encoder import Encoder, Kind, TextEncoder, Vectors
from mien.models.content.options import ContentSettings

MUGS = (
    "Blue stoneware mug", "A blue cup for tea", "Garden hose 20 m", "蓝色陶瓷马克杯", "喝茶用的蓝色杯子",
    "20米花园水管", "Mug", "杯", "Blue stoneware mug with a long handle, dishwasher safe, holds 350 ml of tea",
)  # fmt: skip
TOLERANCE = 0.05
"""By how much a cosine may fall short of 1 where only the company in the batch differs. In 8 bit what flows through a
model is scaled a batch at a time: measured 0.04 at most, for a Chinese character in an English model."""


class Letters(TextEncoder):
    """Counts a, b and c; a query counts double. Remembers what it was asked, and by which threads."""

    def __init__(
        self, settings: ContentSettings | None = None, *, workers: int = 1, version: str = "letters/1"
    ) -> None:
        super().__init__("letters", version, 3, settings or ContentSettings(), workers=workers)
        self.asked: list[list[str]] = []
        self.threads: set[int] = set()

    def _vectors(self, texts: list[str], kind: Kind) -> Vectors:
        self.asked.append(texts)
        self.threads.add(get_ident())
        weight = 2.0 if kind == "query" else 1.0
        return np.array([[weight * text.count(one) for one in "abc"] for text in texts], dtype=np.float32)


def has_shape_and_length(encoder: Encoder) -> None:
    """`(n, dim) float32`, finite, every row of length 1."""
    rows = encoder.encode(MUGS)
    assert rows.shape == (len(MUGS), encoder.dim)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def empty_texts_are_zero(encoder: Encoder) -> None:
    """Nothing said, nothing known; and no texts, no rows."""
    rows = encoder.encode(["", MUGS[0], " \n", "\0"])
    assert (np.linalg.norm(rows, axis=1) > 0.5).tolist() == [False, True, False, False]
    assert encoder.encode([]).shape == (0, encoder.dim)


def same_texts_same_rows(encoder: Encoder) -> None:
    """Asked again, and by another kind in between: the same bits."""
    first = encoder.encode(MUGS)
    encoder.encode(MUGS, kind="query")
    assert (encoder.encode(MUGS) == first).all()


def batch_equals_single(encoder: Encoder) -> None:
    """The order and the company of texts change nothing that matters."""
    rows = encoder.encode(MUGS)
    single = np.concatenate([encoder.encode([text]) for text in MUGS])
    backwards = encoder.encode(MUGS[::-1])[::-1]
    assert ((rows * single).sum(axis=1) > 1 - TOLERANCE).all()
    assert ((rows * backwards).sum(axis=1) > 1 - TOLERANCE).all()


def strange_texts_are_taken(encoder: Encoder) -> None:
    """Half a surrogate pair, control characters, one very long word, a very long text: finite rows."""
    texts = ["mug \ud800", "mug\x07\u200b", "mug" * 700, "mug " * 700, "🫖☕", "Ｍｕｇ　①"]
    assert np.isfinite(encoder.encode(texts)).all()


ENCODER_LAWS: tuple[Callable[[Encoder], None], ...] = (
    has_shape_and_length,
    empty_texts_are_zero,
    same_texts_same_rows,
    batch_equals_single,
    strange_texts_are_taken,
)
