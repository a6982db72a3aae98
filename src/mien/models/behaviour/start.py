"""Where the item table starts: an SVD of what follows what, so that the first epoch begins with a map, not noise."""

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.models.behaviour.tokens import Ints, Tokens
from mien.models.interest import right_factors
from mien.models.items import ItemFacts

SPAN = 5
"""Acts ahead that count as following, the k-th by 1/k."""
SMOOTH = 0.75
"""Power of the context counts (Levy, Goldberg, Dagan, 2015): rare contexts would seem too telling."""
TAG_WEIGHT = 2.0
"""How much a shared tag counts beside a shared context."""
NOISE = 0.005


def item_start(
    tokens: Tokens, facts: ItemFacts, width: int, seed: int, *, informed: bool = True
) -> npt.NDArray[np.float32]:
    """`(n_items, width) float32`: left factors of PPMI(item, item) beside weighted tags; mean length of a row 1.

    PPMI_ij = max(0, log p(i, j) / (p(i) p(j)^¾)) over pairs within `SPAN` acts of one user. Items without a pair get
    what their tags say, else 0 (they live by content). `informed` False: small noise for all.
    Cost: a sparse SVD of `width` factors.
    """
    random = np.random.default_rng(seed)
    n_items = len(facts)
    noise = random.standard_normal((n_items, width)).astype(np.float32)
    if not informed or len(tokens) == 0:
        seen = np.bincount(tokens.item, minlength=n_items) > 0
        return np.asarray(noise * np.float32(1.0 / np.sqrt(width)) * seen[:, None], dtype=np.float32)
    followed = _ppmi(tokens.item[tokens.disordered(random)], tokens.offsets, n_items)
    matrix = sp.csr_matrix(sp.hstack([followed, TAG_WEIGHT * _weighted(facts)]))
    rank = min(width, *matrix.shape)
    strength, factors = right_factors(sp.csr_matrix(matrix.T), rank, seed)
    vectors = np.zeros((n_items, width), dtype=np.float32)
    vectors[:, :rank] = (factors.T * np.sqrt(strength)).astype(np.float32)
    length = np.linalg.norm(vectors, axis=1)
    held = length > 1e-9
    scale = float(length[held].mean()) if held.any() else 1.0
    return np.asarray(vectors / scale + NOISE * noise * held[:, None], dtype=np.float32)


def _ppmi(item: Ints, offsets: Ints, n_items: int) -> sp.csr_matrix:
    pairs = sp.csr_matrix((n_items, n_items))
    user = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    for ahead in range(1, SPAN + 1):
        same = user[ahead:] == user[:-ahead]
        before, after = item[:-ahead][same], item[ahead:][same]
        cells = (np.full(len(before), 1.0 / ahead), (before, after))
        pairs = pairs + sp.csr_matrix(cells, shape=(n_items, n_items))
    pairs = (pairs + pairs.T).tocoo()
    total = np.asarray(pairs.sum(axis=1)).ravel()
    context = total**SMOOTH
    share = context / max(context.sum(), 1e-300)
    information = np.log(pairs.data / (total[pairs.row] * share[pairs.col]))
    found = sp.csr_matrix((np.maximum(information, 0.0), (pairs.row, pairs.col)), shape=(n_items, n_items))
    found.eliminate_zeros()
    return found


def _weighted(facts: ItemFacts) -> sp.csr_matrix:
    """Tags by how telling they are: log(items / items with it)."""
    counts = np.bincount(facts.tags.indices, minlength=facts.tags.shape[1])
    telling = np.log(max(len(facts), 1) / np.maximum(counts, 1))
    return sp.csr_matrix(sp.csr_matrix(facts.tags).multiply(telling[None, :]))
