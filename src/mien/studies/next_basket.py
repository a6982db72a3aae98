"""Next basket by time with one fitted model: what studies of the behaviour model measure beside `evaluate`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName, UsageError
from mien.models.interactions import Interactions
from mien.models.model import Model, chunks
from mien.models.ranked import best
from mien.studies.baskets import Baskets, split_baskets
from mien.studies.metrics import hit_matrix, ndcg_at, recall_at
from mien.testing.shops import RealShop, complete_journey, online_retail, retailrocket

Floats = npt.NDArray[np.float64]
FOLDERS = {"online_retail": online_retail, "retailrocket": retailrocket}
SHOPS = ("completejourney", *FOLDERS)
K = 10
BLOCK_BYTES = 16 << 20


@dataclass(frozen=True, eq=False)
class Found:
    """`(users measured,)` at `K`; `fresh`: NDCG of what the user had never bought, NaN where a basket has none."""

    ndcg: Floats
    recall: Floats
    fresh: Floats


def real_shop(source: str) -> RealShop:
    """The shop of `completejourney`, `online_retail:FOLDER` or `retailrocket:FOLDER`, FOLDER what holds the set's own.

    Raises `UnknownName` for another word, `UsageError` where a folder is missing.
    """
    word, _, folder = source.partition(":")
    if word not in SHOPS:
        raise UnknownName("shop", word, SHOPS)
    if word == "completejourney":
        return complete_journey()
    if not folder or not (Path(folder).expanduser() / word).is_dir():
        raise UsageError("Say where the data lies: {word}:FOLDER, the folder that holds {word}/.", word=word)
    return FOLDERS[word](Path(folder).expanduser())


def baskets_of(shop: RealShop, seed: int) -> Baskets:
    """The split that the shop's reference figures are for."""
    return split_baskets(shop.data, shop.at_us, active_days=shop.active_days, test_days=shop.test_days, seed=seed)


def basket_figures(model: Model, baskets: Baskets, *, asked_from: Interactions | None = None) -> Found:
    """All items ranked for every basket, nothing hidden; ties go by what was popular in the 28 days before the fit.

    `asked_from`: other histories than those before the split.
    """
    histories = baskets.train if asked_from is None else asked_from
    lists = np.full((len(baskets.users), K), -1, dtype=np.int32)
    fallback = model.fitted["fallback"]
    for part in chunks(len(baskets.users), baskets.train.n_items, block_bytes=BLOCK_BYTES):
        scores = model.score(histories, baskets.users[part], at_us=baskets.at_us)
        lists[part] = best(scores, K, fallback).items
    hits, relevant, kept = hit_matrix(lists, baskets.basket, baskets.item), baskets.relevant(), baskets.measured
    new = ~baskets.again
    fresh = ndcg_at(hit_matrix(lists, baskets.basket[new], baskets.item[new]), baskets.relevant(new), K)
    return Found(ndcg_at(hits, relevant, K)[kept], recall_at(hits, relevant, K)[kept], fresh[kept])
