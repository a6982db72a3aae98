"""The law of the live path: whatever happened, every state is the fold of its person's events in the log."""

from mien.core.ids import UserRow
from mien.features.codec import decode
from mien.prepare.judgement import Judgement
from mien.shop import Shop
from mien.testing.state_checks import differences


def unlike_the_log(shop: Shop) -> list[str]:
    """What differs between the stored states and a fresh fold of the log, one sentence each; empty where the law holds.

    To be asked when the tail is folded. Cost: every user's events are read and folded.
    """
    stock = shop.stock
    build = stock.workspace.build()
    assert build is not None, "states are compared after a build"
    judgement = Judgement.from_dict(stock.population(build.population).judgement)
    found: list[str] = []
    for row in range(len(stock.catalog.users)):
        data = stock.states.read(UserRow(row))
        if stock.catalog.person(row) != row:
            found += [f"user {row} is another person and has a state of their own"] * (data is not None)
            continue
        wanted = stock.refold(stock.persons(row), None, judgement)
        if (data is None) != (wanted.events == 0):
            found.append(f"user {row} has {wanted.events} events and {'no' if data is None else 'a'} state")
        elif data is not None:
            found += [f"user {row}: {one}" for one in differences(decode(data), wanted)]
    return found
