"""Similar items: the kind `similar`, asked about one item. The same answer for everybody."""

from dataclasses import replace

from mien.core.query import Answer, Query
from mien.ranking.kind import SIMILAR
from mien.ranking.pipeline import recommend
from mien.ranking.shelf import Context


def similar(item_id: str, query: Query, context: Context) -> Answer:
    """The items most like one, best first; `query` brings k and filters. `UnknownName` for an item nobody knows."""
    asked = replace(query, text="", kind=SIMILAR, cart=(item_id,), context=(), personalise=False)
    return recommend(asked, context)
