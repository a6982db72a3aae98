"""Questions to a shop: profiles, search, recommendations, explanations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.clock import to_us
from mien.core.errors import UsageError
from mien.core.impression import SEARCH
from mien.core.item import Item, shelves
from mien.core.ports import Progress, Silent
from mien.core.profile import Profile
from mien.core.query import Answer, Query
from mien.profiles.masking import masked_profile
from mien.profiles.wording import Language
from mien.ranking.completion import Completion
from mien.ranking.kind import FOR_YOU, SIMILAR
from mien.ranking.kinds import kind_named
from mien.shop.crowding import alone
from mien.shop.opened import HERE
from mien.shop.past import told_changes
from mien.shop.people import People
from mien.shop.quality import Quality
from mien.shop.segments import Segments
from mien.shop.serving import Serving
from mien.shop.standing import Standing
from mien.shop.writing import write_profiles


class Asking(Standing):
    """What a shop is asked. Safe for several threads."""

    def profile(
        self, user: str, as_of: datetime | None = None, *, language: Language | None = None, clear: bool = True
    ) -> Profile:
        """All that is known of a user at a moment (None: now for a served shop, else the time of the last event).

        `language`: of what it says, here and in all questions; None is the shop's. `clear`: whether who asks may read
        e-mail, telephone, name and the like; else they are masked.
        """
        serving = self._served(as_of)
        at_us = self._at(as_of, serving)
        found = self._with_segments(serving.profile(user, at_us, language), serving, at_us)
        return found if clear else masked_profile(found, self.settings.privacy.personal)

    def changes(
        self, user: str, since: datetime | None = None, limit: int = 50, *, as_of: datetime | None = None
    ) -> dict[str, Any]:
        """Which events changed which tags, newest first: weight and lift before and after each.

        Of the newest `limit` events on items, none before `since` nor after `as_of`. See `profiles.changes`.
        """
        if not 1 <= limit <= 1000:
            raise UsageError("Changes of 1 to 1000 events can be told, not of {limit}.", limit=limit)
        serving = self._served(as_of)
        since_us = None if since is None else to_us(since)
        return told_changes(serving, user, self._row(user), self._at(as_of, serving), since_us, limit)

    def _with_segments(self, profile: Profile, serving: Serving, at_us: int) -> Profile:
        """With the names of the saved segments that the user is in."""
        row = self.stock.catalog.users.row(profile.user_id) if profile.events and self._saved.all() else None
        state = None if row is None else self.stock.state(row, at_us, serving.judgement)
        if row is None or state is None:
            return profile
        chances = {one.name: np.array([one.probability]) for one in profile.intent}
        crowd = replace(alone(serving, row, state, self.stock.user(row), at_us), intents=chances)
        return replace(profile, segments=self.segments.containing(crowd))

    def profiles(self, out: Path | str, progress: Progress | None = None, *, by: str = HERE) -> int:
        """Write every profile as a row of a Parquet file; returns how many. `by`: who asked, for the audit."""
        serving, at_us = self._now()

        def read(user: str) -> Profile:
            return self._with_segments(serving.profile(user, at_us), serving, at_us)

        written = write_profiles(self.stock, read, Path(out), progress or Silent())
        self.note("profiles.export", by=by, profiles=written)
        return written

    def search(
        self,
        text: str,
        user: str | None = None,
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        personalise: bool = True,
        at: datetime | None = None,
        *,
        sort: str = "relevance",
        offset: int = 0,
        understand: bool = True,
        literal: tuple[str, ...] = (),
        context: Sequence[str] = (),
        language: Language | None = None,
        shown: bool = False,
        weights: Mapping[str, float] | None = None,
    ) -> Answer:
        """The best `k` items for a text, or without one of all that the filters leave. With `personalise=False` exactly
        what a visitor without any context gets.

        `filters`, `sort`, `offset`, `understand`, `literal` and `context` as `core.query.Query` has them. `shown`: it
        is shown to people, and kept as an impression; so in all questions. `weights`: of `[ranking]`, by name, for this
        answer alone and in place of a learned ranker.
        """
        serving = self._served(at)
        asked = Query(
            text, user, k, dict(filters or {}), personalise, at,
            kind=FOR_YOU if text.strip() else SEARCH, sort=sort, offset=offset, understand=understand, literal=literal,
            context=tuple(context),
        )  # fmt: skip
        at_us = self._at(at, serving)
        return self._shown(serving.answer(asked, at_us, language, weights), asked, at_us, serving, shown)

    def _shown(self, answer: Answer, query: Query, at_us: int, serving: Serving, shown: bool) -> Answer:
        if shown:
            self.showing.keep(answer, query, SEARCH if query.searches else query.kind, at_us, serving)
        return answer

    def complete(self, prefix: str, k: int = 10) -> list[Completion]:
        """What somebody who typed this may be about to type: popular queries, categories, brands, titles."""
        return self._served(None).completer.complete(prefix, k)

    def recommend(
        self,
        user: str | None,
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        personalise: bool = True,
        at: datetime | None = None,
        *,
        kind: str = FOR_YOU,
        cart: Sequence[str] = (),
        context: Sequence[str] = (),
        language: Language | None = None,
        shown: bool = False,
    ) -> Answer:
        """What this user may want next; for an unknown one what anybody would get, and a note that says so.

        `kind`: for-you, similar, goes-with, buy-again, trending, new-arrivals, popular, or one of the settings. `cart`:
        the items it is asked about, which `similar` and `goes-with` start from. `context`: the items looked at in the
        running visit, oldest first.
        """
        kind_named(kind, self.settings.kinds)  # a search is none of them
        serving = self._served(at)
        query = Query(
            "", user, k, dict(filters or {}), personalise, at, kind=kind, cart=tuple(cart), context=tuple(context)
        )
        at_us = self._at(at, serving)
        return self._shown(serving.answer(query, at_us, language), query, at_us, serving, shown)

    def similar(
        self,
        item: str,
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        *,
        language: Language | None = None,
        shown: bool = False,
    ) -> Answer:
        """The items most like one."""
        serving = self._served(None)
        asked, at_us = Query(k=k, filters=dict(filters or {}), kind=SIMILAR), self._at(None, serving)
        return self._shown(serving.similar(item, asked, at_us, language), asked, at_us, serving, shown)

    def explain(
        self,
        user: str | None,
        item: str,
        query: str = "",
        k: int = 10,
        filters: Mapping[str, tuple[str, ...]] | None = None,
        personalise: bool = True,
        *,
        kind: str = FOR_YOU,
        cart: Sequence[str] = (),
        context: Sequence[str] = (),
        language: Language | None = None,
    ) -> Answer:
        """One item as it stands for a user, among the matches of a query or the recommendations of a kind: its
        reasons, what would move it (`counterfactuals`), and why it is not among the first `k` (`absent`)."""
        serving = self._served(None)
        asked = Query(query, user, k, dict(filters or {}), personalise, None, kind, tuple(cart), tuple(context))
        return serving.explain(asked, item, self._at(None, serving), language)

    def _now(self, as_of: datetime | None = None) -> tuple[Serving, int]:
        serving = self._served(as_of)
        return serving, self._at(as_of, serving)

    @property
    def people(self) -> People:
        """Who there is, and what somebody did."""
        return People(self._now, self.settings.privacy.personal)

    @property
    def segments(self) -> Segments:
        """Segments: tried, saved, and asked who is in them."""
        return Segments(self._saved, self._crowds, self._now, lambda: to_us(self.clock()), self.note)

    @property
    def quality(self) -> Quality:
        """How well the shop answers, by what was shown and what followed."""
        return Quality(self._now)

    def item(self, item: str) -> Item | None:
        """An item as it is known now; None for an id that nothing is known of."""
        row = self.stock.catalog.items.row(item)
        return None if row is None else self._served(None).catalogue.item(row)

    def shelves(self, most: int = 12) -> list[str]:
        """The topmost categories with the most goods on sale, the fullest first."""
        return shelves(self._served(None).catalogue, most)
