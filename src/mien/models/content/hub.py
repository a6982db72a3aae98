"""Any sentence-transformers or HuggingFace model of texts, by its name on the hub or by its folder, run by torch."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import numpy as np

from mien.core.errors import SourceError, TransientError, UnknownName
from mien.core.extras import require
from mien.core.phrase import Phrase
from mien.models.content.e5 import PREFIXES
from mien.models.content.encoder import Kind, TextEncoder, Vectors
from mien.models.content.options import OFFLINE, ContentSettings

REMEDY = Phrase(
    "Encoders that need no download: {offline}, or the folder of a model (setting content.encoder).", offline=OFFLINE
)
PATIENCE_S = 10.0
"""How long the hub may take to answer before it counts as unreachable."""


class TorchEncoder(TextEncoder):
    """A model run by torch, in float32 or bfloat16, on a GPU where there is one.

    Cost on a core: about 20 ms a text of 32 tokens in float32 for 12 layers of width 384; loading imports torch.
    """

    def __init__(self, settings: ContentSettings, source: str, name: str) -> None:
        self._model = load_model(source, settings)
        self._precision = "fp32" if settings.precision == "auto" else settings.precision
        self._prefixes = prefixes(source, self._model.prompts, settings)
        width = int(self._model.get_embedding_dimension())
        version = f"{name}/torch-{self._precision}-{fingerprint(self._model)}/{told(self._prefixes, settings)}"
        if self._precision == "bf16":
            self._model.bfloat16()
        super().__init__(name, version, width, settings)

    def _vectors(self, texts: list[str], kind: Kind) -> Vectors:
        said = [self._prefixes[kind] + text for text in texts]
        found = self._model.encode(said, batch_size=len(said), convert_to_numpy=True, show_progress_bar=False)
        return np.asarray(found, dtype=np.float32)


def load_model(source: str, settings: ContentSettings) -> Any:
    """A `SentenceTransformer` of a folder or of a name on the hub; what was fetched before needs no network.

    Raises `MissingExtra`, `UnknownName` for a name the hub does not have, `TransientError` where the hub cannot be
    reached and `SourceError` where what is there is no model; each names what works without a download.
    """
    transformers = require("models", "sentence_transformers")
    quiet()
    device = None if settings.device == "auto" else settings.device

    def opened(*, here: bool) -> Any:
        if settings.pooling == "auto":
            return transformers.SentenceTransformer(source, device=device, local_files_only=here)
        parts = require("models", "sentence_transformers.sentence_transformer.modules")
        kwargs = {"local_files_only": here}
        body = parts.Transformer(source, model_kwargs=kwargs, processor_kwargs=kwargs, config_kwargs=kwargs)
        pooling = parts.Pooling(body.get_embedding_dimension(), settings.pooling)
        return transformers.SentenceTransformer(modules=[body, pooling], device=device)

    try:
        try:
            model = opened(here=True)
        except OSError:
            if Path(source).is_dir():
                raise
            look_up(source, "encoder", REMEDY)
            model = opened(here=False)
    except (OSError, ValueError) as wrong:
        raise SourceError(
            "There is no model that can be read: {wrong} {remedy}", wrong=_first_line(wrong), remedy=REMEDY, path=source
        ) from wrong
    model.eval()
    if settings.max_tokens:
        model.max_seq_length = min(settings.max_tokens, model.max_seq_length or settings.max_tokens)
    return model


def look_up(name: str, what: str, remedy: Phrase) -> None:
    """Ask the hub for the model once: its own client tries for minutes before it says that it cannot be reached.

    Raises `UnknownName` of the kind `what`, or `TransientError` with the `remedy`.
    """
    endpoint = require("models", "huggingface_hub").constants.ENDPOINT
    try:
        urlopen(f"{endpoint}/api/models/{name}", timeout=PATIENCE_S).close()  # noqa: S310 (the hub's own address)
    except HTTPError as answer:
        if answer.code == 404:
            raise UnknownName(what, name, OFFLINE if what == "encoder" else ()) from answer
    except (URLError, TimeoutError) as away:
        raise TransientError(
            "The hub cannot be reached for {name} ({away}). {remedy}", name=name, away=_first_line(away), remedy=remedy
        ) from away


def quiet() -> None:
    """Bars of loading weights belong to no step of ours, and reports of unused weights help nobody."""
    logging = require("models", "transformers").utils.logging
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    require("models", "huggingface_hub").utils.disable_progress_bars()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def prefixes(source: str, prompts: dict[str, str], settings: ContentSettings) -> dict[Kind, str]:
    """What stands before a text: as set, else as the model says itself, else as its family wants it."""
    family = PREFIXES if "e5" in Path(source).name.lower() else {"query": "", "passage": ""}
    own: dict[Kind, str] = {
        "query": prompts.get("query") or family["query"],
        "passage": prompts.get("passage") or prompts.get("document") or family["passage"],
    }
    given = {"query": settings.query_prefix, "passage": settings.passage_prefix}
    return {kind: by_default if given[kind] is None else str(given[kind]) for kind, by_default in own.items()}


def told(before: dict[Kind, str], settings: ContentSettings) -> str:
    """What else than the weights decides about the vectors, in few letters."""
    facts = (sorted(before.items()), settings.pooling, settings.max_tokens)
    return hashlib.blake2b(repr(facts).encode(), digest_size=4).hexdigest()


def fingerprint(model: Any) -> str:
    """Digest of all weights that count. Cost: about a second a gigabyte.

    A pooler of the pretraining is left out: no vector goes through it, and where it is missing it is made at random.
    """
    torch = require("models", "torch")
    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(model.state_dict().items()):
        if "pooler" not in name:
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
