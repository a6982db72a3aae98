"""An artifact: named arrays and a JSON description in one file that is either whole or not there."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.errors import NotReady, WorkspaceError
from mien.stores.durable import whole

FORMAT = 1
"""Version of the file layout; a file of a newer one is refused, never guessed at."""
_META = "meta"

Arrays = dict[str, npt.NDArray[Any]]


def write_artifact(path: Path, kind: str, meta: dict[str, Any], arrays: Arrays) -> None:
    """Write `path` (NumPy .npz, JSON inside as bytes): a temporary file, fsync, one rename. Never a pickle."""
    described = {"format": FORMAT, "kind": kind, **meta}
    text = np.frombuffer(json.dumps(described, ensure_ascii=False, sort_keys=True).encode(), dtype=np.uint8)
    with whole(path) as file:
        np.savez(file, allow_pickle=False, **{_META: text}, **arrays)


def read_artifact(path: Path, kind: str) -> tuple[dict[str, Any], Arrays]:
    """Description and arrays of a file of this kind.

    Raises `NotReady` where there is none, `WorkspaceError` where it is damaged, of another kind or of a newer format.
    """
    if not path.exists():
        raise NotReady("There is no {kind} at {path}. Run mien build first.", kind=kind, path=path)
    try:
        # Opened here, since np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta = json.loads(arrays.pop(_META).tobytes())
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError) as damage:
        raise WorkspaceError(
            "{path} is damaged ({damage}). Delete it and run mien build.", path=path, damage=damage
        ) from damage
    if meta.get("kind") != kind:
        raise WorkspaceError(
            "{path} holds a {found}, not a {kind}. Delete it and run mien build.",
            path=path,
            found=meta.get("kind"),
            kind=kind,
        )
    if meta.get("format", 0) > FORMAT:
        raise WorkspaceError(
            "{path} was written by a newer version of Mien. Upgrade, or delete it and run mien build.", path=path
        )
    return meta, arrays


def as_arrays(name: str, matrix: sp.csr_array) -> Arrays:
    """A sparse matrix as the three arrays it consists of, float32 and int32 where they fit."""
    return {
        f"{name}_data": matrix.data.astype(np.float32),
        f"{name}_indices": matrix.indices.astype(np.int32),
        f"{name}_indptr": matrix.indptr.astype(np.int64),
    }


def from_arrays(name: str, arrays: Arrays, n_columns: int) -> sp.csr_array:
    """The sparse matrix that `as_arrays` took apart."""
    indptr = arrays[f"{name}_indptr"]
    parts = (arrays[f"{name}_data"], arrays[f"{name}_indices"], indptr)
    return sp.csr_array(parts, shape=(len(indptr) - 1, n_columns))
