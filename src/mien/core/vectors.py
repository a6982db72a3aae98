"""What is done to vectors everywhere."""

import numpy as np
import numpy.typing as npt


def unit(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Rows `(…, dim)` of length 1 as float32; rows of zeros stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 1e-12, length, np.inf), dtype=np.float32)
