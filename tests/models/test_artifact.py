"""Artifacts: whole or not there, refused when damaged, of another kind, or newer."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from mien.core.errors import NotReady, WorkspaceError
from mien.models import artifact
from mien.models.artifact import as_arrays, from_arrays, read_artifact, write_artifact
from mien.models.popular import Popular
from mien.testing.model_checks import NOW_US, toy


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_artifact(tmp_path / "a" / "x.npz", "thing", {"名": "值"}, {"v": np.arange(3)})
    meta, arrays = read_artifact(tmp_path / "a" / "x.npz", "thing")
    assert meta["名"] == "值"
    assert arrays["v"].tolist() == [0, 1, 2]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x.npz"]


def test_nothing_there_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="mien build"):
        read_artifact(tmp_path / "x.npz", "thing")


def test_every_cut_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    write_artifact(path, "thing", {}, {"v": np.arange(50)})
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:length])
        with pytest.raises(WorkspaceError, match="damaged"):
            read_artifact(path, "thing")


def test_another_kind_is_refused(tmp_path: Path) -> None:
    write_artifact(tmp_path / "x.npz", "thing", {}, {})
    with pytest.raises(WorkspaceError, match="holds a thing, not a model"):
        read_artifact(tmp_path / "x.npz", "model")


def test_a_newer_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "FORMAT", 2)
    write_artifact(tmp_path / "x.npz", "thing", {}, {})
    monkeypatch.undo()
    with pytest.raises(WorkspaceError, match="newer version"):
        read_artifact(tmp_path / "x.npz", "thing")


def test_a_pickle_is_never_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_artifact(tmp_path / "x.npz", "thing", {}, {"v": np.array([object()])})
    assert not list(tmp_path.iterdir())
    np.savez(tmp_path / "y.npz", meta=np.array([{"a": 1}], dtype=object))
    with pytest.raises(WorkspaceError, match="damaged"):
        read_artifact(tmp_path / "y.npz", "thing")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    model = Popular().fit(toy(), at_us=NOW_US)
    path = model.save(tmp_path)
    before = path.read_bytes()
    model.fitted["broken"] = np.array([object()])
    with pytest.raises(ValueError, match="allow_pickle"):
        model.save(tmp_path)
    assert path.read_bytes() == before


def test_a_model_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Popular().fit(toy(), at_us=NOW_US).save(tmp_path)
    monkeypatch.setattr(Popular, "version", 2)
    with pytest.raises(WorkspaceError, match="version 1 of popular"):
        Popular.load(tmp_path)


def test_a_sparse_matrix_survives_its_taking_apart() -> None:
    matrix = sp.random_array((4, 7), density=0.4, format="csr", rng=np.random.default_rng(0), dtype=np.float32)
    again = from_arrays("m", as_arrays("m", matrix), 7)
    assert (again != matrix).nnz == 0
