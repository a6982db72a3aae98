"""One query, answered in two ways side by side: for whom, how it is read, in which order, under which weights."""

from dataclasses import dataclass, field
from functools import partial

from mien.core.errors import MienError
from mien.core.query import Answer
from mien.shop.weighing import WEIGHTS, weights_of
from mien.web.look.parts import El, button, choice, switch, told
from mien.web.look.visit import Visit

SIDE = 10
ORDERS = ("relevance", "popular", "newest", "price_up", "price_down")


@dataclass(slots=True)
class Way:
    """How one side is answered. `weights`: those that differ from the shop's."""

    personalise: bool = True
    understand: bool = True
    sort: str = "relevance"
    weights: dict[str, float] = field(default_factory=dict)


class Comparing:
    """The controls, and what came of them."""

    def __init__(self, visit: Visit, query: str) -> None:
        self.visit, self.query, self.user = visit, query, ""
        self.ways = (Way(personalise=False), Way())
        self.places: list[El] = []

    async def draw(self) -> None:
        """The controls, and both answers."""
        visit = self.visit
        with El("form.line.compare").act("submit.prevent", self.show):
            for name, key in (("query", "side_query"), ("user", "side_user")):
                with El("label.field"):
                    El("span", visit.say(key))
                    El("input.input", value=getattr(self, name), maxlength=300, autocomplete="off").act(
                        "input", lambda text, name=name: setattr(self, name, text), "e.target.value"
                    )
            button(visit.say("side_compare"), self.show, "primary")
        self.said = El("p.note.slot", role="status")
        with El("div.grid"):
            for way, key in zip(self.ways, ("side_a", "side_b"), strict=True):
                with El("section.stack.half", aria_label=visit.say(key)):
                    El("h3", visit.say(key))
                    self._controls(way)
                    self._weights(way)
                    self.places.append(El("div", aria_live="polite"))
        if self.query:
            await self.show()

    def _controls(self, way: Way) -> None:
        visit = self.visit

        async def set_(name: str, value: object) -> None:
            setattr(way, name, value)
            await self.show()

        with El("div.line"):
            switch(visit.say("side_personalise"), way.personalise, lambda on: set_("personalise", on))
            switch(visit.say("side_understand"), way.understand, lambda on: set_("understand", on))
            orders = [(one, visit.say(f"order_{one}")) for one in ORDERS]
            choice(visit.say("side_sort"), orders, way.sort, lambda order: set_("sort", order), shown=True)

    def _weights(self, way: Way) -> None:
        """The weights of the blend, folded away; one that is changed holds for this side alone."""
        visit, own = self.visit, weights_of(self.visit.shop.settings.ranking)

        async def weigh(name: str, typed: str) -> None:
            way.weights.pop(name, None)
            value = _number(typed)
            if value is not None and value != own[name]:
                way.weights[name] = value
            await self.show()

        with El("details"):
            El("summary", visit.say("side_weights"))
            El("p.note.small", visit.say("side_weights_more"))
            with El("div.weights"):
                for name in WEIGHTS:
                    with El("label.field"):
                        El("span", visit.say(f"w_{name}"))
                        El("input.input", type="number", min=0, step=0.1, value=f"{own[name]:g}", name=name).act(
                            "change", partial(weigh, name), "e.target.value"
                        )

    async def show(self) -> None:
        """Ask in both ways and show what came."""
        if not self.query.strip():
            return
        answers: list[Answer | MienError] = [await self.visit.ask(self._answer, way) for way in self.ways]
        first, second = answers
        alike = isinstance(first, Answer) and isinstance(second, Answer) and _order(first) == _order(second)
        self.said.set_text(self.visit.say("side_same") if alike else "")
        for place, mine, other in zip(self.places, answers, reversed(answers), strict=True):
            place.clear()
            with place:
                side(self.visit, mine, other)

    def _answer(self, way: Way) -> Answer | MienError:
        """The answer, or why there is none: one side's mistake leaves the other standing."""
        user = self.user.strip() or None
        try:
            return self.visit.shop.search(
                self.query, user=user, k=SIDE, personalise=way.personalise, understand=way.understand, sort=way.sort,
                language=self.visit.language, weights=way.weights or None,
            )  # fmt: skip
        except MienError as wrong:
            return wrong


def side(visit: Visit, mine: Answer | MienError, other: Answer | MienError) -> None:
    """The results of one side, each with how it moved against the other."""
    if isinstance(mine, MienError):
        told("warn", visit.say("failed"), visit.why(mine), "failed")
        return
    ranks = {one.item_id: one.rank for one in other.results} if isinstance(other, Answer) else None
    with El("ol.side"):
        for one in mine.results:
            with El("li"):
                El("span.side-rank", str(one.rank))
                El("span.side-title", one.title or one.item_id)
                moved = one.rank if ranks is None else ranks.get(one.item_id)
                if moved is None:
                    El("span.side-move.new", visit.say("side_new"))
                elif moved != one.rank:
                    up = moved > one.rank
                    El(f"span.side-move.{'up' if up else 'down'}", f"{'▲' if up else '▼'} {abs(moved - one.rank)}")
                El("span.side-score", f"{one.score:.2f}")
    if not mine.results:
        El("p.note", visit.say("searches_empty"))


def _order(answer: Answer) -> list[str]:
    return [one.item_id for one in answer.results]


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None
