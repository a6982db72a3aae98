"""What a review says: how glad its writer is, and what it speaks of. A head on the frozen encoder and on the words.

    p(glad | t) = σ(a · z + b),   z = w·[ x_words ; x_vector ] + c

x_words are the hashed n-grams of `lexical`, 1 + log tf weighed by idf and brought to length 1; x_vector is the
encoder's vector, centred and brought to a mean length of 1 (its own cosines crowd together). w, c: logistic regression
with a ridge; a, b: Platt's scaling (1999) on texts that w has not seen. Topics are a softmax over the same features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from mien.core.errors import NotReady, UnknownName, UsageError, WorkspaceError
from mien.core.phrase import Phrase
from mien.core.ports import Progress
from mien.models.artifact import Arrays, read_artifact, write_artifact
from mien.models.content.encoder import Encoder, Vectors, printable
from mien.models.content.lexical import BUCKETS, hashed_counts, weighed

Floats = npt.NDArray[np.float64]
Features = Literal["words", "vector", "fused"]

LEAST_EACH = 50
"""Reviews of either kind that a head needs."""
GLAD, CROSS = 4.0, 2.0
"""Ratings from which on a review counts as positive, and up to which as negative; between them it says neither."""
_KIND = "review head"
_HELD_OUT = 0.2
_RIDGES = (1.0, 4.0, 16.0)
"""C of the logistic regressions to choose from by the log loss of the held-out texts."""


@dataclass(frozen=True, eq=False)
class ReviewHead:
    """A trained head. `encoder`: the one it was trained on, None where it reads words alone (a text takes 0.1 ms).

    `arrays`: weights as in the module's formula; `topics`: their names, none where they were not trained; `facts`: what
    it was trained on and how it did on the held-out texts.
    """

    features: Features
    arrays: Arrays
    topics: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    encoder: Encoder | None = None

    def sentiment(self, texts: Sequence[str], *, progress: Progress | None = None) -> Floats:
        """`(len(texts),)`: probability that each writer is glad; NaN for a text without a word that is known."""
        matrix = self._matrix(texts, progress)
        slope, shift = self.arrays["scale"]
        p = _sigmoid(slope * _linear(matrix, self.arrays["weights"], self.arrays["bias"])[:, 0] + shift)
        p[np.diff(matrix.indptr) == 0] = np.nan
        return p

    def topic_shares(self, texts: Sequence[str], *, progress: Progress | None = None) -> Floats:
        """`(len(texts), topics)`: probability of each topic; rows of NaN as above. `NotReady` without any topics."""
        if not self.topics:
            raise NotReady("This review head knows no topics. Train it on reviews with a topic each.")
        matrix = self._matrix(texts, progress)
        shares = _softmax(_linear(matrix, self.arrays["topic_weights"], self.arrays["topic_bias"]))
        shares[np.diff(matrix.indptr) == 0] = np.nan
        return shares

    def save(self, path: Path) -> Path:
        """Write `path` (.npz, no pickle) in one durable step."""
        meta = {
            "features": self.features,
            "topics": list(self.topics),
            "encoder": self.encoder.version if self.encoder else "",
            "facts": self.facts,
        }
        write_artifact(path, _KIND, meta, self.arrays)
        return path

    @classmethod
    def load(cls, path: Path, encoder: Encoder | None = None) -> Self:
        """The head saved at `path`, on the encoder it was trained on.

        Raises `NotReady` where there is none, `UsageError` where it needs an encoder and gets none, `WorkspaceError`
        where the encoder is of another version: its vectors would mean something else.
        """
        meta, arrays = read_artifact(path, _KIND)
        wanted = meta["encoder"]
        if wanted and encoder is None:
            raise UsageError(
                "The review head at {path} reads vectors; pass the encoder {wanted}.", path=path, wanted=wanted
            )
        if wanted and encoder is not None and encoder.version != wanted:
            raise WorkspaceError(
                "The review head at {path} was trained on the encoder {wanted}; here is {version}. Run mien train.",
                path=path,
                wanted=wanted,
                version=encoder.version,
            )
        return cls(meta["features"], arrays, tuple(meta["topics"]), meta["facts"], encoder if wanted else None)

    def _matrix(self, texts: Sequence[str], progress: Progress | None) -> sp.csr_array:
        return _features(texts, self.features, self.encoder, self.arrays, progress)


def train_review_head(
    texts: Sequence[str],
    labels: npt.ArrayLike,
    encoder: Encoder | None = None,
    *,
    topics: Sequence[str] | None = None,
    features: Features | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ReviewHead:
    """Learn from reviews whose writers' minds are known.

    `labels`: `(len(texts),)` 1 glad, 0 not, NaN unknown (left out); `rating_labels` makes them of ratings. `topics`:
    one a text, for a head of topics as well. `features`: words, vector or fused; by default fused with an encoder and
    words without. One text in five is held out for the ridge and the
    scaling.

    Raises `NotReady` for fewer than 50 of either kind, `UsageError` for arguments that do not fit together. Cost:
    encoding, and some seconds for 10,000 texts.
    """
    said, labels = [printable(text) for text in texts], np.asarray(labels, dtype=np.float64)
    features = features or ("fused" if encoder is not None else "words")
    _check(said, labels, topics, features, encoder)
    rows = np.flatnonzero(~np.isnan(labels) & np.array([bool(text) for text in said]))
    glad = labels[rows] > 0.5
    for kind, n in ((Phrase("positive"), int(glad.sum())), (Phrase("negative"), int((~glad).sum()))):
        if n < LEAST_EACH:
            raise NotReady(
                "A review head needs {least_each} {kind} reviews or more; there are {n}.",
                least_each=LEAST_EACH,
                kind=kind,
                n=n,
            )
    chosen = [said[row] for row in rows]
    held = held_out(chosen, _HELD_OUT, seed)
    arrays: Arrays = {}
    reader = encoder if features != "words" else None
    matrix = _fit_features(chosen, ~held, features, reader, arrays, progress)
    with threadpool_limits(1, "blas"):
        weights, bias, ridge = _regress(matrix, glad.astype(np.int64), held)
        z = _linear(matrix[held], weights, bias)[:, 0]
        arrays |= {"weights": weights, "bias": bias, "scale": _platt(z, glad[held])}
        facts = {"texts": len(rows), "held_out": int(held.sum()), "ridge": ridge, "seed": seed}
        facts["held_out_accuracy"] = round(float(((z > 0) == glad[held]).mean()), 4)
        names: tuple[str, ...] = ()
        if topics is not None:
            own = np.array(topics)[rows]
            names = tuple(sorted(set(own.tolist())))
            codes = np.searchsorted(names, own)
            arrays["topic_weights"], arrays["topic_bias"], _ = _regress(matrix, codes, held)
            guess = _linear(matrix[held], arrays["topic_weights"], arrays["topic_bias"]).argmax(axis=1)
            facts["held_out_topic_accuracy"] = round(float((guess == codes[held]).mean()), 4)
    return ReviewHead(features, arrays, names, facts, reader)


def rating_labels(ratings: npt.ArrayLike, *, glad: float = GLAD, cross: float = CROSS) -> Floats:
    """`(n,)`: 1 for a rating of at least `glad`, 0 for one of at most `cross`, NaN between them and where unknown."""
    given = np.asarray(ratings, dtype=np.float64)
    return np.where(given >= glad, 1.0, np.where(given <= cross, 0.0, np.nan))


def held_out(texts: Sequence[str], share: float, seed: int = 0) -> npt.NDArray[np.bool_]:
    """`(n,)`: about this share of the texts, drawn among the different ones, so that equal texts stay together."""
    number: dict[str, int] = {}
    place = np.array([number.setdefault(text, len(number)) for text in texts], dtype=np.int64)
    return np.asarray((np.random.default_rng(seed).permutation(len(number)) < share * len(number))[place])


def _check(
    texts: Sequence[str],
    labels: Floats,
    topics: Sequence[str] | None,
    features: Features,
    encoder: Encoder | None,
) -> None:
    if features not in get_args(Features):
        raise UnknownName("kind of features", features, get_args(Features))
    if features != "words" and encoder is None:
        raise UsageError(
            'features = "{features}" needs an encoder; without one a head reads words alone.', features=features
        )
    if labels.shape != (len(texts),) or (topics is not None and len(topics) != len(texts)):
        raise UsageError(
            "There must be one label, and one topic if any, for each of the {n_texts} texts.", n_texts=len(texts)
        )


def _fit_features(
    texts: list[str],
    train: npt.NDArray[np.bool_],
    features: Features,
    encoder: Encoder | None,
    arrays: Arrays,
    progress: Progress | None,
) -> sp.csr_array:
    """The features of all texts; what they are weighed and centred by is learnt from `train` and put into `arrays`."""
    blocks = []
    if features != "vector":
        counts = hashed_counts(texts)
        frequency = np.bincount(counts[train].indices, minlength=BUCKETS)
        arrays["idf"] = (np.log((1 + train.sum()) / (1 + frequency)) + 1).astype(np.float32)
        arrays["idf"][frequency < 2] = 0.0  # a word met once is a name of that text
        blocks.append(weighed(counts, arrays["idf"]))
    if encoder is not None:
        vectors = _encode(texts, encoder, progress)
        arrays["centre"] = vectors[train].mean(axis=0)
        spread = np.linalg.norm(vectors[train] - arrays["centre"], axis=1).mean()
        arrays["spread"] = np.array([max(float(spread), 1e-9)], dtype=np.float32)
        blocks.append(_centred(vectors, arrays))
    return sp.csr_array(sp.hstack(blocks), dtype=np.float32)


def _features(
    texts: Sequence[str],
    features: Features,
    encoder: Encoder | None,
    arrays: Arrays,
    progress: Progress | None,
) -> sp.csr_array:
    blocks = []
    said = [printable(text) for text in texts]
    if features != "vector":
        blocks.append(weighed(hashed_counts(said), arrays["idf"]))
    if encoder is not None:
        blocks.append(_centred(_encode(said, encoder, progress), arrays))
    return sp.csr_array(sp.hstack(blocks), dtype=np.float32)


def _encode(texts: list[str], encoder: Encoder, progress: Progress | None) -> Vectors:
    """E5 wants queries where vectors are features and not documents to be found."""
    return encoder.encode(texts, kind="query", progress=progress)


def _centred(vectors: Vectors, arrays: Arrays) -> sp.csr_array:
    moved = (vectors - arrays["centre"]) / arrays["spread"]
    moved[~vectors.any(axis=1)] = 0.0
    return sp.csr_array(moved.astype(np.float32))


def _regress(
    matrix: sp.csr_array, classes: npt.NDArray[np.int64], held: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], float]:
    """Weights `(columns of z, features)`, bias `(columns of z,)` and C, chosen by the loss of the held-out rows.

    One column for two classes, one a class for more.
    """
    best: tuple[float, LogisticRegression, float] | None = None
    for ridge in _RIDGES:
        model = LogisticRegression(C=ridge, max_iter=300, tol=1e-3).fit(matrix[~held], classes[~held])
        known = np.isin(classes[held], model.classes_)
        p = model.predict_proba(matrix[held][known])
        loss = -float(
            np.log(
                np.maximum(p[np.arange(len(p)), np.searchsorted(model.classes_, classes[held][known])], 1e-12)
            ).mean()
        )
        if best is None or loss < best[0]:
            best = (loss, model, ridge)
    assert best is not None
    _, model, ridge = best
    return model.coef_.astype(np.float32), model.intercept_.astype(np.float32), ridge


def _platt(z: Floats, glad: npt.NDArray[np.bool_]) -> Floats:
    """Slope and shift that make σ(slope · z + shift) a probability, by logistic regression on texts not learnt from."""
    if glad.all() or not glad.any():
        return np.array([1.0, 0.0])
    model = LogisticRegression(C=1e6).fit(z[:, None], glad)
    return np.array([model.coef_[0, 0], model.intercept_[0]])


def _linear(matrix: sp.csr_array, weights: npt.NDArray[Any], bias: npt.NDArray[Any]) -> Floats:
    return np.asarray(matrix @ weights.T + bias, dtype=np.float64)


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))))


def _softmax(z: Floats) -> Floats:
    rising = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(rising / rising.sum(axis=1, keepdims=True))
