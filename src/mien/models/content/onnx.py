"""The same models by ONNX Runtime: exported once by torch, then run without it, two to three times as fast in int8.

Only the weights of matrix products become 8 bit, a scale a column; what flows between them is scaled a batch at a time,
so that a text's vector depends a little on its company in the batch (cosine above 0.99 to that of float32). The table
of words becomes float16.
"""

import json
import logging
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.errors import NotReady, UsageError, WorkspaceError
from mien.core.extras import require
from mien.models.content.encoder import Kind, TextEncoder, Vectors
from mien.models.content.hub import fingerprint, load_model, prefixes, told
from mien.models.content.options import ContentSettings
from mien.stores.durable import whole_folder

MODEL, TOKENS, ABOUT = "model.onnx", "tokenizer.json", "encoder.json"
LARGE_BYTES = 32 << 20
"""A table of words from this size on is kept in float16."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an exported folder says of itself (encoder.json)."""

    name: str
    weights: str
    precision: str
    width: int
    most_tokens: int
    pad: int
    prompts: dict[str, str]


class OnnxEncoder(TextEncoder):
    """An exported model, run by ONNX Runtime on the CPU: one batch a thread, on as many threads as are set.

    Cost on a core with AVX-512 VNNI: about 8 ms a text of 32 tokens for 12 layers of width 384; opening: a second.
    """

    def __init__(self, settings: ContentSettings, folder: Path) -> None:
        about = read_about(folder)
        runtime = require("models", "onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = runtime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])
        self._tokens = require("models", "tokenizers").Tokenizer.from_file(str(folder / TOKENS))
        self._tokens.enable_truncation(min(settings.max_tokens or about.most_tokens, about.most_tokens))
        self._tokens.enable_padding(pad_id=about.pad)
        self._prefixes = prefixes(about.name, about.prompts, settings)
        version = f"{about.name}/onnx-{about.precision}-{about.weights}/{told(self._prefixes, settings)}"
        super().__init__(about.name, version, about.width, settings, workers=settings.workers)

    def _vectors(self, texts: list[str], kind: Kind) -> Vectors:
        read = self._tokens.encode_batch_fast([self._prefixes[kind] + text for text in texts])
        inputs = {
            "input_ids": np.array([one.ids for one in read], dtype=np.int64),
            "attention_mask": np.array([one.attention_mask for one in read], dtype=np.int64),
        }
        return np.asarray(self._session.run(None, inputs)[0], dtype=np.float32)


def read_about(folder: Path) -> Exported:
    """What lies in an exported folder. `NotReady` where nothing does, `WorkspaceError` where it is damaged."""
    path = folder / ABOUT
    try:
        return Exported(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotReady("There is no exported encoder at {folder}. Run mien train first.", folder=folder) from None
    except (ValueError, TypeError) as damage:
        raise WorkspaceError(
            "{path} is damaged ({damage}). Delete {folder} and run mien train.", path=path, damage=damage, folder=folder
        ) from damage


def export(source: str, name: str, folder: Path, settings: ContentSettings) -> Path:
    """Write a model, by name or folder, into `folder` for `OnnxEncoder`, as a whole or not at all.

    `settings.precision`: int8 (as auto) or fp32. Raises `UsageError` for a model with layers behind the pooling. Cost:
    half a minute and four times the weights in memory, for a model of 120 million numbers.
    """
    model = load_model(source, settings)
    precision = "fp32" if settings.precision == "fp32" else "int8"
    about = Exported(
        name=name,
        weights=fingerprint(model),
        precision=precision,
        width=int(model.get_embedding_dimension()),
        most_tokens=int(model.max_seq_length or 512),
        pad=int(model.tokenizer.pad_token_id or 0),
        prompts=dict(model.prompts),
    )
    with whole_folder(folder) as half:
        plain = half / "plain.onnx"
        _trace(model, plain)
        _lighten(plain)
        if precision == "int8":
            _quantise(plain, half / MODEL)
            plain.unlink()
        else:
            plain.rename(half / MODEL)
        model.tokenizer.backend_tokenizer.save(str(half / TOKENS))
        (half / ABOUT).write_text(json.dumps(asdict(about), indent=2, ensure_ascii=False), encoding="utf-8")
    return folder


def _trace(model: Any, path: Path) -> None:
    """Transformer and pooling as one graph, batch and length left open."""
    torch = require("models", "torch")
    body, pooling, *rest = list(model)
    if any(type(part).__name__ != "Normalize" for part in rest):
        raise UsageError('This model has layers behind its pooling. Set backend = "torch".')
    network = body.auto_model.float().cpu()
    network.set_attn_implementation("eager")
    mode = pooling.get_config_dict()["pooling_mode"]

    class Pooled(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            hidden = self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            if mode == "cls":
                return hidden[:, 0]
            if mode == "lasttoken":
                return hidden[torch.arange(hidden.shape[0]), attention_mask.sum(1) - 1]
            weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
            return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)

    if mode not in ("mean", "cls", "lasttoken"):
        raise UsageError('This model pools by {mode}. Set backend = "torch".', mode=mode)
    ids = torch.arange(5, 37).reshape(2, 16)
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    axes = {0: "batch", 1: "length"}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of every branch it fixes, and of its own age
        torch.onnx.export(
            Pooled().eval(), (ids, mask), str(path), dynamo=False, opset_version=17,
            input_names=["input_ids", "attention_mask"], output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "batch"}},
        )  # fmt: skip


def _lighten(path: Path) -> None:
    """Large tables that are only looked up in become float16, cast back after the look-up: half the file."""
    onnx = require("models", "onnx")
    model = onnx.load(str(path))
    graph = model.graph
    large = {one.name: one for one in graph.initializer if len(one.raw_data) >= LARGE_BYTES}
    for place, node in reversed(list(enumerate(graph.node))):
        if node.op_type != "Gather" or node.input[0] not in large:
            continue
        table = large[node.input[0]]
        values = onnx.numpy_helper.to_array(table).astype(np.float16)
        table.CopyFrom(onnx.numpy_helper.from_array(values, table.name))
        out = node.output[0]
        node.output[0] = f"{out}_half"
        cast = onnx.helper.make_node("Cast", [node.output[0]], [out], to=onnx.TensorProto.FLOAT)
        graph.node.insert(place + 1, cast)
    onnx.save(model, str(path))


def _quantise(plain: Path, path: Path) -> None:
    kit = require("models", "onnxruntime.quantization")
    logging.disable(logging.WARNING)  # it advises a step that only models for training's sake need
    try:
        kit.quantize_dynamic(
            str(plain), str(path), op_types_to_quantize=["MatMul"], per_channel=True, weight_type=kit.QuantType.QInt8
        )
    finally:
        logging.disable(logging.NOTSET)
