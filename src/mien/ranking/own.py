"""Own: what a person bought, beside all else they bought of the same category; the columns a ranker learns from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.ranking.measures import NOTHING
from mien.ranking.person import History, Person
from mien.ranking.shelf import Context, Shelf

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Own:
    """The person's purchases with the categories they are of. `last_us (n_own,)`: when each was bought last."""

    bought: History
    last_us: npt.NDArray[np.int64]
    shelf: Shelf
    at_us: int

    @classmethod
    def of(cls, person: Person, context: Context) -> "Own":
        bought = person.bought
        return cls(bought, person.tallies.last_us[bought.newest], context.shelf, context.at_us)

    def repeat_columns(self, rows: Rows) -> dict[str, Floats]:
        """Per candidate the columns `repeat.…`; neutral where it was never bought. Cost: some 50 µs."""
        bought, leaf = self.bought, self.shelf.leaf[self.bought.item] + 1
        place = bought.at(rows)
        mine = place >= 0
        at = place[mine]
        days = np.full(len(rows), NOTHING)
        days[mine] = (self.at_us - self.last_us[at]) / DAY_US

        def of_own(values: Floats) -> Floats:
            column = np.zeros(len(rows))
            column[mine] = values[at]
            return column

        newest = np.zeros(int(leaf.max(initial=0)) + 1, dtype=np.int64)
        np.maximum.at(newest, leaf, self.last_us)
        count = bought.n.astype(np.float64)
        return {
            "repeat.share": of_own(bought.strength / np.bincount(leaf, weights=bought.strength)[leaf]),
            "repeat.count": of_own(count / np.bincount(leaf, weights=count)[leaf]),
            "repeat.strength": of_own(np.log1p(bought.strength)),
            "repeat.days": days,
            "repeat.times": of_own(np.log1p(count)),
            "repeat.best": of_own(bought.strength / bought.strength.max(initial=1e-9)),
            "repeat.most": of_own(count / count.max(initial=1.0)),
            "repeat.newest": of_own((self.last_us == newest[leaf]).astype(np.float64)),
        }

    def price_column(self, rows: Rows) -> Floats:
        """log(price / the mean log price of what they bought of the wider category), by strength; NaN: unknown."""
        price = self.shelf.catalogue.price
        mine = price[self.bought.item]
        known = (mine > 0) & (self.shelf.wide[self.bought.item] >= 0)
        kinds, n = self.shelf.wide[self.bought.item[known]], int(self.shelf.wide.max(initial=-1)) + 2
        weight = np.bincount(kinds, weights=self.bought.strength[known], minlength=n)
        total = np.bincount(kinds, weights=self.bought.strength[known] * np.log(mine[known]), minlength=n)
        usual = np.divide(total, weight, out=np.full(n, NOTHING), where=weight > 0)
        usual[-1] = NOTHING  # where −1, no category, points to
        asked = price[rows]
        column: Floats = np.log(np.where(asked > 0, asked, NOTHING)) - usual[self.shelf.wide[rows]]
        return column

    def brand_column(self, rows: Rows) -> Floats:
        """Share of the item's brand in what they bought of the wider category, by strength; 0: unknown."""
        wide, brand = self.shelf.wide, self.shelf.brand
        n_brands = int(brand.max(initial=-1)) + 1
        mine = self.bought.item[(wide[self.bought.item] >= 0) & (brand[self.bought.item] >= 0)]
        strength = self.bought.strength[np.searchsorted(self.bought.item, mine)]
        all_of = np.bincount(wide[mine], weights=strength, minlength=int(wide.max(initial=-1)) + 2)
        pairs, member = np.unique(wide[mine].astype(np.int64) * n_brands + brand[mine], return_inverse=True)
        of_pair = np.bincount(member, weights=strength, minlength=len(pairs))
        column = np.zeros(len(rows))
        asked = wide[rows].astype(np.int64) * n_brands + brand[rows]
        if not len(pairs):
            return column
        place = np.minimum(np.searchsorted(pairs, asked), len(pairs) - 1)
        hit = (pairs[place] == asked) & (wide[rows] >= 0) & (brand[rows] >= 0)
        column[hit] = of_pair[place[hit]] / all_of[wide[rows[hit]]]
        return column
