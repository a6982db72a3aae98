"""Foresight: what the behaviour model expects next of a person, read from the newest acts that their state keeps."""

from collections import OrderedDict
from threading import Lock

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.features.state import State
from mien.models.behaviour import Behaviour
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]
REMEMBERED = 1024
"""People whose vectors are kept in memory, some hundred numbers each, and the acts they were read from."""


class Foresight:
    """A trained behaviour model beside the goods; safe for several threads.

    `price (n_items,)`: what stands for the price of an act, NaN where unknown: a state keeps no money of single acts.
    Cost of a person: reading their newest acts, milliseconds, once until they act again; then one product an item.
    """

    def __init__(self, model: Behaviour, price: npt.NDArray[np.float64]) -> None:
        self.model = model
        self._price = np.nan_to_num(price)
        self._table = model.fitted["table"]
        self._known: OrderedDict[bytes, npt.NDArray[np.float32]] = OrderedDict()  # by what was read
        self._lock = Lock()

    def vector(self, state: State) -> npt.NDArray[np.float32] | None:
        """`(dim,)` of the person, None for one whose newest acts are about no item that the model knows."""
        acts = [one for one in state.recent if 0 <= one.item < min(len(self._table), len(self._price))]
        if not acts:
            return None
        read = np.array([(one.item, one.action, one.at_us) for one in acts], dtype=np.int64).tobytes()
        with self._lock:
            if read in self._known:
                self._known.move_to_end(read)
                return self._known[read]
        items = [one.item for one in acts]
        history = Interactions.of(
            np.zeros(len(acts), dtype=np.int32),
            items,
            [one.action for one in acts],
            [one.at_us for one in acts],
            self._price[items],
            np.ones(len(acts)),
            n_users=1,
            n_items=len(self._table),
        )
        vector: npt.NDArray[np.float32] = self.model.vectors(history, [0], at_us=acts[-1].at_us)[0]
        with self._lock:
            self._known[read] = vector
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return vector

    def expected(self, vector: npt.NDArray[np.float32], rows: Rows) -> Floats:
        """`(n,)` the model's score of each item, a log-odds up to a constant; NaN for items it does not know."""
        known = rows < len(self._table)
        found = np.full(len(rows), np.nan)
        found[known] = self._table[rows[known]] @ vector
        return found

    def likeliest(self, vector: npt.NDArray[np.float32], k: int) -> Rows:
        """The k items that the model expects most, in no order."""
        scores = self._table @ vector
        if k >= len(scores):
            return np.arange(len(scores), dtype=np.int32)
        return np.argpartition(-scores, k)[:k].astype(np.int32)
