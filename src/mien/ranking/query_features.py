"""All that a learned ranker of texts reads of a query and its candidates: words, letters, co-occurrence, meaning."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from mien.core.ids import Rows
from mien.core.vectors import unit
from mien.core.words import stem
from mien.ranking.spelling import Vocabulary
from mien.ranking.title_features import LATE, MATCHES, PAD, Asked, Held, Texts, late, match_features, parts

Floats = npt.NDArray[np.float32]
TOPICS = 128
"""Co-ordinates of the latent semantic analysis."""
FEEDBACK = 8
"""Best candidates whose mean stands for what is meant (pseudo relevance feedback)."""
KNOWN_OFTEN = 5
"""Texts that hold each half of a word that is two, before it is read so."""

_WHOLE = ("meaning", "meaning_as_typed", "topics", "letters")
_FEEDBACK = ("like_the_best", "topics_like_the_best", "like_all")
_LATE = tuple(f"{kind}_{name}" for kind in ("letters", "meanings", "topics") for name in LATE)
_OWN = (*MATCHES, *_WHOLE, *_LATE, *_FEEDBACK)
COMPARED = (
    "bm25", "meaning", "topics", "letters", "letters_nearest", "meanings_nearest", "like_the_best", "idf_held",
    "idf_of_text_held",
)  # fmt: skip
"""Features that also tell how far a candidate is behind the best of its list, and which place it has there."""
FEATURES = (
    *_OWN, *(f"{name}_behind" for name in COMPARED), *(f"{name}_place" for name in COMPARED), "best_bm25",
    "best_meaning", "candidates",
)  # fmt: skip

Read = Callable[[Sequence[str], bool], Floats]
"""Texts, and whether they are queries, to their vectors `(n, dim)`, rows of length 1."""


class Judge:
    """Texts prepared once; `features` of any query and rows of them. Made for many queries, which are given at once.

    `read`: the content encoder. Cost: some 200 µs a text beside encoding; 7 ms a query of 300 candidates.
    """

    def __init__(self, titles: Sequence[str], queries: Sequence[str], read: Read) -> None:
        self.texts = Texts(titles)
        self.vectors = read(titles, False)
        self._surfaces = Counter(word for title in titles for word in set(parts(title)))
        self.asked = [self.texts.asked(query, self.corrected(query)) for query in queries]
        self._letters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True, max_features=60_000, dtype=np.float32
        )
        self._title_letters = self._letters.fit_transform([" ".join(parts(title)) for title in titles])
        self._query_letters = self._letters.transform([asked.said for asked in self.asked])
        self._read_queries(queries, read)
        self._read_words(read)

    def corrected(self, query: str) -> dict[str, str]:
        """What stands for each word of a query that no text holds: two known words, or the nearest one."""
        return {word: near for word in parts(query) if (near := self._near(word)) is not None}

    def _near(self, word: str) -> str | None:
        if word not in self._seen:
            known = stem(word) in self.texts.code or any(map(str.isdigit, word))
            self._seen[word] = None if known else self._halves(word) or self._vocabulary.nearest(word)
        return self._seen[word]

    def _halves(self, word: str) -> str | None:
        """The two known words that a word consists of, as often held as may be."""
        cuts = ((word[:k], word[k:]) for k in range(3, len(word) - 2))
        held = [(min(self._surfaces[one], self._surfaces[other]), f"{one} {other}") for one, other in cuts]
        often, both = max(held, default=(0, ""))
        return both if often >= KNOWN_OFTEN else None

    @cached_property
    def _seen(self) -> dict[str, str | None]:
        return {}

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self._surfaces)

    def _read_queries(self, queries: Sequence[str], read: Read) -> None:
        understood = [
            asked.said if self.corrected(query) else query for asked, query in zip(self.asked, queries, strict=True)
        ]
        self.query_vectors = read(understood, True)
        self._typed = read(queries, True)

    def _read_words(self, read: Read) -> None:
        """Vectors of every word of texts and queries: by meaning, by letters, by the company it keeps."""
        surface: dict[str, str] = {}
        for word, _ in sorted(self._surfaces.items(), key=lambda pair: (-pair[1], pair[0])):
            surface.setdefault(stem(word), word)
        for asked in self.asked:
            for term, word in zip(asked.stems, asked.words, strict=True):
                surface.setdefault(term, word)
        words = [surface.get(term, term) for term in self.texts.words]
        self._extra = {term: k for k, term in enumerate(sorted(set(surface) - set(self.texts.code)), len(words))}
        words += [surface[term] for term in self._extra]
        self._word_vectors = read(words, False)
        spelling = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
        self._spelt = spelling.fit_transform(words)
        topics = min(TOPICS, min(self.texts.weights.shape) - 1)
        weights = self.texts.weights.tocsr()
        if topics < 1:
            self._topics: Floats = np.zeros((len(self.texts), 1), dtype=np.float32)
            self._word_topics: Floats = np.zeros((len(self.texts.code), 1), dtype=np.float32)
            return
        svd = TruncatedSVD(topics, n_iter=2, random_state=0)
        self._topics = unit(svd.fit_transform(weights).astype(np.float32))
        self._word_topics = (svd.components_.T * self.texts.idf[:-1, None]).astype(np.float32)

    def vectors_of(self, query: int) -> Floats:
        """`(1 or 2, dim)`: the query as understood and, where that is something else, as typed."""
        both = np.stack([self.query_vectors[query], self._typed[query]])
        return both if np.any(both[0] != both[1]) else both[:1]

    def features(self, query: int, rows: Rows) -> Floats:
        """`(len(rows), len(FEATURES)) float32` of a query, by its place among those given."""
        asked = self.asked[query]
        own = np.concatenate(list(self._own(query, asked, rows)), axis=1)
        compared = own[:, [_OWN.index(name) for name in COMPARED]]
        best = compared.max(axis=0)
        place = np.argsort(np.argsort(-compared, axis=0, kind="stable"), axis=0, kind="stable")
        of_list = np.tile([best[0], best[1], len(rows)], (len(rows), 1))
        return np.concatenate([own, compared - best, place, of_list], axis=1).astype(np.float32)

    def _own(self, query: int, asked: Asked, rows: Rows) -> Iterator[Floats]:
        matches = match_features(self.texts, asked, rows)
        yield matches
        vectors, topics = self.vectors[rows], self._topics[rows]
        held_terms = asked.terms[asked.terms != PAD]
        asked_topics = unit(self._word_topics[held_terms].sum(axis=0, keepdims=True))[0]
        letters = np.asarray((self._title_letters[rows] @ self._query_letters[[query]].T).todense()).ravel()
        meaning = vectors @ self.query_vectors[query]
        yield np.stack([meaning, vectors @ self._typed[query], topics @ asked_topics, letters], axis=1)
        yield self._late(asked, rows)
        score = matches[:, 0] / max(float(matches[:, 0].max()), 1e-6) + meaning
        top = np.argsort(-score, kind="stable")[:FEEDBACK]
        share = np.exp(4.0 * (score[top] - score[top].max()))[:, None]
        means = (
            vectors @ unit((share * vectors[top]).sum(axis=0, keepdims=True))[0],
            topics @ unit((share * topics[top]).sum(axis=0, keepdims=True))[0],
            vectors @ unit(vectors.mean(axis=0, keepdims=True))[0],
        )
        yield np.stack(means, axis=1)

    def _late(self, asked: Asked, rows: Rows) -> Floats:
        """Word by word, in three ways."""
        if not len(asked.terms):
            return np.zeros((len(rows), len(_LATE)), dtype=np.float32)
        held, idf = Held.of(self.texts, rows), self.texts.idf[asked.terms]
        mine = np.array([self.texts.code.get(term, self._extra.get(term, 0)) for term in asked.stems])
        spelt = np.asarray((self._spelt[mine] @ self._spelt[held.words].T).todense(), dtype=np.float32)
        meant = self._word_vectors[mine] @ self._word_vectors[held.words].T
        known = asked.terms != PAD
        kept = np.zeros((len(mine), len(held.words)), dtype=np.float32)
        kept[known] = unit(self._word_topics[asked.terms[known]]) @ unit(self._word_topics[held.words]).T
        return np.concatenate([late(near, idf, held, asked) for near in (spelt, meant, kept)], axis=1)
