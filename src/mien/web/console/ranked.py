"""What a person is recommended, and why: each item opens the reasons that add up to its score."""

from typing import TYPE_CHECKING

from mien.core.errors import MienError
from mien.profiles.local import number
from mien.web.look.bars import summands
from mien.web.look.parts import El, card, drawn
from mien.web.look.pictures import picture

if TYPE_CHECKING:
    from mien.web.console.user import View

SHOWN = 6


async def draw(view: "View") -> None:
    """The first recommendations, as of the moment looked at."""
    visit = view.visit
    with card(visit.say("recommended"), visit.say("recommended_note")):
        try:
            answer = await visit.ask(visit.shop.recommend, view.user_id, SHOWN, at=view.as_of, language=visit.language)
        except MienError as error:
            El("p.note", visit.why(error))
            return
        if not answer.personalised:
            El("p.note", visit.say("recommended_any"))
        items = await visit.ask(lambda: [visit.shop.item(one.item_id) for one in answer.results])
        words = (visit.say("base"), visit.say("score"))
        with El("ol.ranked"):
            for result, item in zip(answer.results, items, strict=True):
                with El("li"), El("details"):
                    with El("summary.ranked-head"):
                        El("span.n.note", str(result.rank))
                        drawn(picture(item, 32) if item else "", "span.ranked-picture")
                        El("span.ranked-title", result.title)
                        strongest = max(result.reasons, key=lambda reason: reason.contribution, default=None)
                        El("span.note.small.ranked-why.wide-only", strongest.text if strongest else "")
                        El("span.n", number(result.score, 3))
                    drawn(summands(visit.say("why_of", title=result.title), result.reasons, result.score, words))
