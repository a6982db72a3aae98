"""The audit log: its newest lines, and whether its chain is sound."""

import json
from datetime import datetime

from mien.core.clock import from_us
from mien.profiles.local import number
from mien.stores.audit_check import verify
from mien.web.look.parts import El, button, card, table
from mien.web.look.visit import Visit

SHOWN = 50


async def audited(visit: Visit) -> None:
    """The newest lines, and a button that checks them all."""
    entries = await visit.ask(visit.shop.audit.entries, limit=SHOWN)
    with card(visit.say("audit"), visit.say("audit_more")):
        said = El("p.note.slot", role="status")

        async def check() -> None:
            found = await visit.ask(verify, visit.shop.audit)
            text = visit.say("audit_sound", n=number(found.entries))
            said.set_text(
                text
                if found.sound
                else visit.say("audit_broken", what=" ".join(visit.why(problem) for problem in found.problems[:3]))
            )

        with El("div.line"):
            button(visit.say("audit_check"), check, "small", symbol="lock")
        if not entries:
            El("p.note", visit.say("audit_none"))
            return
        heads = [visit.say(key) for key in ("audit_at", "audit_action", "audit_by", "audit_subject", "audit_detail")]
        rows = [
            [
                visit.moment(_time(one["at"])), str(one["action"]), str(one["by"]), str(one["subject"] or "–")[:12],
                json.dumps(one["detail"], ensure_ascii=False) if one["detail"] else "–",
            ]
            for one in entries
        ]  # fmt: skip
        with El("div.tall"):
            table(heads, rows, caption=visit.say("audit")).classes("snug")


def _time(at: str | int) -> datetime:
    return from_us(at) if isinstance(at, int) else datetime.fromisoformat(at)
