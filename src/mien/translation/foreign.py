"""Sentences that come finished, of libraries or out of a store: they are told by the shape of their template."""

import re
from collections.abc import Mapping

FACT = re.compile(r"\{(\w+)[^}]*\}")
"""A fact in a template, and how it is written: `{n}`, `{n:,}`."""


class Foreign:
    """Knows sentences by their templates; `twins`: English template → Chinese one, the more particular first."""

    def __init__(self, twins: Mapping[str, str]) -> None:
        self._twins = [(_shape(english), FACT.sub(r"{\1}", chinese)) for english, chinese in twins.items()]

    def said(self, text: str) -> str:
        """The text in Chinese, and so what stands inside of it; unchanged where no template fits."""
        for shape, chinese in self._twins:
            if found := shape.fullmatch(text):
                return chinese.format(**{name: self.said(part) for name, part in found.groupdict().items()})
        return text


def telling(template: str) -> bool:
    """Whether a sentence can be known by its template: three words of its own, and no brace that is meant."""
    return len(re.findall(r"[A-Za-z]{2,}", FACT.sub("", template))) > 2 and "{{" not in template


def _shape(template: str) -> re.Pattern[str]:
    seen: set[str] = set()
    parts = [_part(part, place % 2 == 1, seen) for place, part in enumerate(FACT.split(template))]
    return re.compile("".join(parts), re.DOTALL)


def _part(part: str, fact: bool, seen: set[str]) -> str:
    """What matches a piece of a template; a fact that is said twice is the same twice."""
    if not fact:
        return re.escape(part)
    again = part in seen
    seen.add(part)
    return f"(?P={part})" if again else f"(?P<{part}>.+?)"
