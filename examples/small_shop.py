"""A whole shop on one page: two tables become profiles, a search and recommendations with reasons.

Run it with `python examples/small_shop.py`; it works in a temporary folder.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

import mien

ITEMS = pa.table(
    {
        "item_id": ["d1", "d2", "d3", "s1", "s2", "b1"],
        "title": ["Red linen dress", "Red evening dress", "Blue cotton dress", "Red shoes", "Blue shoes", "Cook book"],
        "category": ["Clothing/Dresses"] * 3 + ["Clothing/Shoes"] * 2 + ["Books"],
        "brand": ["Anna", "Vera", "Anna", "Vera", "Anna", "Page"],
        "price": [49.0, 129.0, 45.0, 89.0, 59.0, 19.0],
    }
)
LIKES = {"ann": ["d1", "d3", "s2"], "bea": ["d1", "d3"], "eva": ["d2", "s1"], "tom": ["b1"]}
"""Who looks at what, and then buys it: Ann and Bea like the brand Anna, Eva likes Vera."""


def events() -> pa.Table:
    """One view and one purchase of everything a user likes, a day apart."""
    begin = datetime(2025, 3, 1, 9, tzinfo=UTC)
    price = dict(zip(ITEMS["item_id"].to_pylist(), ITEMS["price"].to_pylist(), strict=True))
    rows = [
        {
            "user_id": user,
            "action": action,
            "item_id": item,
            "at": begin + timedelta(days=day, minutes=minutes),
            "value": price[item] if action == "purchase" else None,
            "quantity": 1.0 if action == "purchase" else None,
        }
        for user, items in LIKES.items()
        for day, item in enumerate(items)
        for action, minutes in (("view", 0), ("purchase", 10))
    ]
    return pa.Table.from_pylist(rows)


def main(folder: Path) -> None:
    """Make the shop in `folder` and ask it."""
    shop = mien.create(folder)
    shop.ingest(events=events(), items=ITEMS)
    shop.build()

    profile = shop.profile("ann")
    print(f"Ann: {profile.events} events")
    for tag in profile.tags:
        print(
            f"  {tag.facet} {tag.value}: weight {tag.weight:.2f}, {tag.lift:.1f} times the usual, from {tag.n} events"
        )

    for user in (None, "ann", "eva"):
        print(f"“dress” for {user or 'a visitor nobody knows'}:")
        for result in shop.search("dress", user=user).results:
            print(f"  {result.rank}. {result.title} ({result.score:.3f})")

    print("For Bea:")
    for result in shop.recommend("bea", k=3).results:
        print(f"  {result.rank}. {result.title}")
        for reason in result.reasons:
            print(f"     {reason.contribution:+.3f} {reason.text}")
    shop.close()


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        main(Path(temporary) / "shop")
