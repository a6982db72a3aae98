"""Named data sets: the package's own, and adapters for files that users bring. `DATASETS` lists them all."""

from pathlib import Path

import duckdb

from mien.collect.datasets.baskets import open_instacart, open_olist
from mien.collect.datasets.completejourney import NAME, open_completejourney
from mien.collect.datasets.dataset import Dataset, Shelf, Tables
from mien.collect.datasets.movielens import open_movielens
from mien.collect.datasets.shops import (
    open_online_retail,
    open_rees46,
    open_retailrocket,
    open_ta_feng,
    open_taobao,
)
from mien.collect.vocabulary import Vocabulary
from mien.core.errors import SourceError, UnknownName
from mien.core.ports import Progress

PREFIX = "dataset:"

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            NAME,
            "84.51° Complete Journey: 1.47M grocery lines of 2,469 households, products, demographics",
            "nothing to bring: the extra “demo” holds it",
            "none stated by the package",
            open_completejourney,
        ),
        Dataset(
            "online_retail",
            "UCI Online Retail (I or II): 541,909 invoice lines of a UK web shop",
            "the workbook saved as CSV, or as Parquet",
            "CC BY 4.0",
            open_online_retail,
        ),
        Dataset(
            "retailrocket",
            "RetailRocket: views, carts and transactions with item properties",
            "events.csv, and item_properties_part1.csv, item_properties_part2.csv, category_tree.csv where wanted",
            "CC BY-NC-SA 4.0",
            open_retailrocket,
        ),
        Dataset(
            "rees46",
            "REES46: a multi-category store, some 10M events a month",
            "one or more months such as 2019-Oct.csv.gz",
            "none stated",
            open_rees46,
        ),
        Dataset(
            "taobao",
            "Taobao UserBehavior: 100M page views, carts, favourites, purchases",
            "UserBehavior.csv, packed or not",
            "research only",
            open_taobao,
        ),
        Dataset(
            "ta_feng",
            "Ta-Feng: grocery lines of a Taiwanese store, with age band and area",
            "ta_feng_all_months_merged.csv or transactions.csv.gz",
            "none stated",
            open_ta_feng,
        ),
        Dataset(
            "instacart",
            "Instacart: 3M grocery orders without dates",
            "orders, order_products__prior, order_products__train, products, aisles and departments, each .csv",
            "non-commercial",
            open_instacart,
        ),
        Dataset(
            "olist",
            "Olist: 100,000 orders of a Brazilian marketplace, with reviews",
            "the nine olist_…_dataset.csv files",
            "CC BY-NC-SA 4.0",
            open_olist,
        ),
        Dataset(
            "movielens",
            "MovieLens: ratings of films, 100k (1998) or any later size",
            "u.data, u.item, u.user; or ratings.csv, movies.csv",
            "no redistribution",
            open_movielens,
        ),
    )
}
"""Name → data set."""


def open_dataset(
    con: duckdb.DuckDBPyConnection, source: str, folder: Path, *, vocabulary: Vocabulary, progress: Progress
) -> tuple[Dataset, Tables]:
    """The tables of `dataset:NAME` or `dataset:NAME:PATH`; an unknown name is an `UnknownName`."""
    name, _, path = source.removeprefix(PREFIX).partition(":")
    if name not in DATASETS:
        raise UnknownName("data set", name, DATASETS)
    dataset = DATASETS[name]
    if not path and name != NAME:
        raise SourceError(
            "Bring its files: {prefix}{name}:PATH, where PATH holds {files}.",
            prefix=PREFIX,
            name=name,
            files=dataset.files,
            path=source,
        )
    where = Path(path).expanduser() if path else None
    return dataset, dataset.open(Shelf(con, where, folder, vocabulary, progress, dataset.files))
