"""The reranker: a cross-encoder reads the query and an item together and says how well they fit.

It is slow (one pass of the model a pair) and reads only the best results; what it does not read it lifts over nothing.
Source: Nogueira and Cho, Passage Re-ranking with BERT, arXiv 1901.04085.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import SourceError
from mien.core.extras import require
from mien.core.phrase import Phrase
from mien.models.content.hub import look_up, quiet
from mien.models.content.texts import item_text
from mien.ranking.blend import Blend, Term
from mien.ranking.shelf import Context
from mien.ranking.wording import say

Floats = npt.NDArray[np.float64]
OFFLINE = Phrase("Without a hub, name the folder of a model (setting ranking.reranker), or leave the setting out.")
BATCH = 32


class Reranker:
    """A cross-encoder by its name on the hub or its folder, loaded at the first question.

    Needs the extra `models`; a model that a hub has is fetched once and then found on the disk.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = Lock()

    @cached_property
    def _model(self) -> Any:
        kit = require("models", "sentence_transformers")
        quiet()

        def opened(*, here: bool) -> Any:
            return kit.CrossEncoder(self.name, device="cpu", local_files_only=here, num_labels=1)

        try:
            try:
                return opened(here=True)
            except OSError:
                if Path(self.name).is_dir():
                    raise
                look_up(self.name, "reranker", OFFLINE)
                return opened(here=False)
        except (OSError, ValueError, KeyError) as wrong:
            line = (str(wrong).strip().splitlines() or [type(wrong).__name__])[0]
            raise SourceError(
                "There is no reranker that can be read: {line} {offline}", line=line, offline=OFFLINE, path=self.name
            ) from wrong

    def fits(self, query: str, texts: Sequence[str]) -> Floats:
        """`(len(texts),)` between 0 and 1, 1 for the best fit.

        Raises `SourceError` where there is no such model, `TransientError` where the hub cannot be reached,
        `MissingExtra`. Cost: one pass of the model a pair.
        """
        if not texts:
            return np.empty(0)
        identity = require("models", "torch").nn.Identity()
        with self._lock:
            raw = self._model.predict(
                [(query, text) for text in texts], batch_size=BATCH, activation_fn=identity, show_progress_bar=False
            )
        return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(raw, dtype=np.float64).reshape(len(texts)))))


def reranked(blend: Blend, text: str, context: Context) -> Blend:
    """The blend with the verdict on its best results, where a reranker is set; others get nothing."""
    reranker, options = context.shelf.reranker, context.options
    if reranker is None or not options.reranker_weight or not len(blend.rows):
        return blend
    catalogue = context.shelf.catalogue
    top = blend.order(context.shelf.place)[: options.reranker_top]
    items = [catalogue.item(int(row)) for row in blend.rows[top]]
    fits = np.zeros(len(blend.rows))
    fits[top] = reranker.fits(text, [item_text(item) if item else "" for item in items])

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(context.language, "reranker", share=f"{fits[k]:.0%}"), ()

    return blend.with_term(Term("reranker", options.reranker_weight * fits, explain))
