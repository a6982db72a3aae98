"""What may be set about reading content: which encoder, and how it is run."""

import os
from dataclasses import dataclass, field

from mien.core.errors import UnknownName, UsageError
from mien.core.phrase import Phrase

OFFLINE = ("e5", "minilm", "lexical")
"""Encoders that need no download."""
ENCODERS = ("auto", *OFFLINE)
BACKENDS = ("auto", "engine", "onnx", "torch")
PRECISIONS = ("auto", "fp32", "bf16", "int8")
POOLINGS = ("auto", "mean", "cls", "last")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """How texts become vectors. What is `auto`, none or 0 is as the encoder itself has it; see docs/content.md."""

    encoder: str = field(
        default="auto", metadata={"help": "auto, e5, minilm, lexical, a model's name on the hub, or its folder"}
    )
    query_prefix: str | None = field(default=None, metadata={"help": "what stands before a query; none: as trained"})
    passage_prefix: str | None = field(
        default=None, metadata={"help": "what stands before an item's text; none: as trained"}
    )
    pooling: str = field(default="auto", metadata={"help": "tokens become one vector by mean, cls or last"})
    dim: int = field(default=0, metadata={"help": "numbers kept of a vector, the first ones; 0: all"})
    normalise: bool = field(default=True, metadata={"help": "whether vectors are brought to length 1"})
    backend: str = field(default="auto", metadata={"help": "engine (e5 alone), onnx or torch"})
    precision: str = field(default="auto", metadata={"help": "fp32, bf16 (torch) or int8 (onnx)"})
    device: str = field(default="auto", metadata={"help": "where torch computes: cpu or cuda"})
    batch: int = field(default=32, metadata={"help": "texts encoded at once"})
    max_tokens: int = field(default=0, metadata={"help": "longer texts are cut there; 0: where the model must"})
    threads: int = field(default=0, metadata={"help": "threads that encode; 0: one for each core"})

    def __post_init__(self) -> None:
        for name, known in (
            ("backend", BACKENDS), ("precision", PRECISIONS), ("pooling", POOLINGS), ("device", DEVICES),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise UnknownName(Phrase("{name} of the encoder", name=name), getattr(self, name), known)
        if min(self.dim, self.max_tokens, self.threads) < 0 or self.batch < 1 or not self.encoder.strip():
            raise UsageError("An encoder needs a name, batch ≥ 1, and dim, max_tokens and threads ≥ 0.")
        if self.precision == "bf16" and self.backend in ("onnx", "engine"):
            raise UsageError('precision = "bf16" is for backend = "torch".')
        if self.precision == "int8" and self.backend in ("torch", "engine"):
            raise UsageError('precision = "int8" is for backend = "onnx".')

    @property
    def workers(self) -> int:
        """How many threads that is here."""
        return self.threads or len(os.sched_getaffinity(0))
