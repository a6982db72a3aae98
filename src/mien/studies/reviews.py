"""How well reviews are understood: sentiment and topic of held-out Chinese ones, and whether it carries to English."""

import csv
import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from mien.core.errors import SourceError
from mien.core.ports import Progress, Silent
from mien.models.content.cache import Remembering, VectorCache
from mien.models.content.encoder import Encoder
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.reviews import Features, ReviewHead, held_out, train_review_head
from mien.studies.english_reviews import CROSS, GLAD
from mien.studies.metrics import auroc, bootstrap_mean, brier, ece, paired_difference

NAME = "reviews"
COLUMNS = ("cat", "label", "review")

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Reviews with what is known of them, index = review: the text, whether its writer is glad, its topic."""

    texts: list[str]
    glad: Bools
    topics: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: npt.NDArray[np.int64]) -> "Labelled":
        return Labelled([self.texts[row] for row in rows], self.glad[rows], [self.topics[row] for row in rows])


def study(
    source: str,
    *,
    encoder: str = "auto",
    backend: str = "auto",
    train: int = 12_000,
    test: int = 4_000,
    words_train: int = 0,
    folder: str = "",
    threads: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Accuracy of words, vector and both on the same held-out reviews, each with its 95 % bootstrap interval.

    `source`: a CSV with the columns cat, label (1 positive, 0 negative) and review, or a zip of one. One text in five
    is held out before anything else; `test` of these and `train` of the others are drawn, stratified by topic and
    label (0: all). `words_train`: how many the words alone are trained on in a row of their own (0: all, since they
    need no encoder). `folder`: where encoders and vectors are kept; empty: nothing is, and e5 runs by its engine.
    Cost: encoding.
    """
    progress = progress or Silent()
    reviews = read_labelled(Path(source))
    apart = held_out(reviews.texts, 0.2, seed)
    open_rows, test_rows = np.flatnonzero(~apart), np.flatnonzero(apart)
    learnt = reviews.take(stratified(reviews, open_rows, train, seed))
    asked = reviews.take(stratified(reviews, test_rows, test, seed))
    with tempfile.TemporaryDirectory() as passing:
        kept = Path(folder) if folder else None
        settings = ContentSettings(encoder=encoder, backend=backend, threads=threads)
        reader = Remembering(
            encoder_named(settings, folder=kept, texts=learnt.texts), VectorCache((kept or Path(passing)) / "cache")
        )
        heads = {features: _train(learnt, features, reader, seed, progress) for features in get_args(Features)}
        more = reviews.take(stratified(reviews, open_rows, words_train, seed))
        if len(more) > len(learnt):
            heads[f"words of {len(more)}"] = _train(more, "words", None, seed, progress)
        rows = [_row(name, head, asked, seed) for name, head in heads.items()]
        right = {name: _right(head, asked) for name, head in heads.items()}
        english = {name: _english(heads[name], seed) for name in get_args(Features)}
    return {
        "study": NAME,
        "source": Path(source).name,
        "encoder": reader.version,
        "seed": seed,
        "reviews": len(reviews),
        "test": len(asked),
        "models": rows,
        "differences": {
            f"fused over {other}": paired_difference(right["fused"], right[other], seed=seed).to_dict()
            for other in ("words", "vector")
        },
        "english": english,
    }


def read_labelled(path: Path) -> Labelled:
    """Reviews of a CSV, or of the first one in a zip. `SourceError` names what is missing."""
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                name = next((one for one in archive.namelist() if one.lower().endswith(".csv")), None)
                if name is None:
                    raise SourceError("There is no CSV in this archive.", path=path)
                text = archive.read(name).decode("utf-8-sig")
        else:
            text = path.read_text(encoding="utf-8-sig")
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as wrong:
        raise SourceError("The reviews cannot be read: {wrong}.", wrong=wrong, path=path) from wrong
    rows = csv.DictReader(io.StringIO(text))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise SourceError(
            "Columns are missing: {missing}. Needed: {columns}.", missing=missing, columns=COLUMNS, path=path
        )
    held = [row for row in rows if (row["review"] or "").strip() and row["label"] in ("0", "1")]
    if not held:
        raise SourceError("There is no review with a text and a label of 0 or 1.", path=path)
    return Labelled(
        [row["review"] for row in held], np.array([row["label"] == "1" for row in held]), [row["cat"] for row in held]
    )


def stratified(reviews: Labelled, rows: npt.NDArray[np.int64], n: int, seed: int) -> npt.NDArray[np.int64]:
    """About `n` of `rows` (0: all), of each topic and label its share, ascending."""
    if not n or n >= len(rows):
        return rows
    drawn = np.random.default_rng(seed).permutation(rows)
    stratum = np.array([f"{reviews.topics[row]} {reviews.glad[row]}" for row in drawn])
    order = np.argsort(stratum, kind="stable")
    return np.sort(drawn[order[(np.arange(n) * (len(rows) / n)).astype(np.int64)]])


def _train(
    reviews: Labelled,
    features: Features,
    encoder: Encoder | None,
    seed: int,
    progress: Progress,
) -> ReviewHead:
    return train_review_head(
        reviews.texts,
        reviews.glad.astype(np.float64),
        None if features == "words" else encoder,
        topics=reviews.topics,
        features=features,
        seed=seed,
        progress=progress,
    )


def _right(head: ReviewHead, asked: Labelled) -> Floats:
    """Per review 1 where the head says rightly whether its writer is glad; one that it cannot read is wrong."""
    p = head.sentiment(asked.texts)
    return np.asarray(~np.isnan(p) & ((p > 0.5) == asked.glad), dtype=np.float64)


def _row(name: str, head: ReviewHead, asked: Labelled, seed: int) -> dict[str, Any]:
    p = np.nan_to_num(head.sentiment(asked.texts), nan=0.5)
    shares = np.nan_to_num(head.topic_shares(asked.texts))
    topic = np.array([head.topics[k] for k in shares.argmax(axis=1)]) == np.array(asked.topics)
    return {
        "model": name,
        "train": head.facts["texts"],
        "accuracy": bootstrap_mean(_right(head, asked), seed=seed).to_dict(),
        "auroc": round(float(auroc(p[:, None], asked.glad[:, None])[0]), 6),
        "brier": round(brier(p, asked.glad), 6),
        "ece": round(ece(p, asked.glad), 6),
        "topic_accuracy": bootstrap_mean(topic.astype(np.float64), seed=seed).to_dict(),
    }


def _english(head: ReviewHead, seed: int) -> dict[str, Any]:
    asked = Labelled([*GLAD, *CROSS], np.arange(len(GLAD) + len(CROSS)) < len(GLAD), [])
    p = np.nan_to_num(head.sentiment(asked.texts), nan=0.5)
    return {
        "texts": len(asked),
        "accuracy": bootstrap_mean(_right(head, asked), seed=seed).to_dict(),
        "auroc": round(float(auroc(p[:, None], asked.glad[:, None])[0]), 6),
    }
