"""Where an item stands that came after the fit: among those fitted that are most like it.

An item's own tags and content alone make a short vector beside those that have an id too, and short vectors never come
to the top. So a newcomer borrows: e_new = mean of e_j over the `ALIKE` fitted items most like it, weighed by cos²,
brought to the mean length of the fitted ones.
"""

import numpy as np
import numpy.typing as npt

from mien.models.items import ItemFacts

ALIKE = 20
"""Fitted items that a newcomer borrows from. Of 5, 20 and 100, chosen on Beauty with other cold items than reported."""
BLOCK_BYTES = 32 << 20

Table = npt.NDArray[np.float32]


def placed(table: Table, facts: ItemFacts, n_fitted: int) -> Table:
    """`table (len(facts), width)` with the rows from `n_fitted` on borrowed; what is like nothing fitted stays.

    Likeness: cosine of tags, weighed by how telling they are, plus that of content. Cost: newcomers · fitted items.
    """
    if n_fitted == 0 or n_fitted >= len(facts):
        return table
    found = table.copy()
    fitted = table[:n_fitted]
    length = float(np.linalg.norm(fitted, axis=1).mean())
    tags = facts.weighed_tags()
    step = max(1, BLOCK_BYTES // (4 * n_fitted))
    for begin in range(n_fitted, len(facts), step):
        rows = slice(begin, min(begin + step, len(facts)))
        like = facts.content[rows] @ facts.content[:n_fitted].T
        like = np.maximum(like + (tags[rows] @ tags[:n_fitted].T).toarray().astype(np.float32), 0.0)
        most = np.argpartition(-like, min(ALIKE, n_fitted) - 1, axis=1)[:, :ALIKE]
        weight = np.take_along_axis(like, most, axis=1) ** 2
        borrowed = np.einsum("nk,nkd->nd", weight, fitted[most])
        own = np.linalg.norm(borrowed, axis=1)
        known = own > 0
        found[rows][known] = borrowed[known] * (length / own[known])[:, None]
    return found
