"""Sentences of the libraries that Mien stands on: they come finished, so they are told by their shape."""

import re
from collections.abc import Mapping


class Foreign:
    """Knows sentences by their templates; `twins`: English template → Chinese one, the more particular first."""

    def __init__(self, twins: Mapping[str, str]) -> None:
        self._twins = [(_shape(english), chinese) for english, chinese in twins.items()]

    def said(self, text: str) -> str:
        """The text in Chinese, and so what stands inside of it; unchanged where no template fits."""
        for shape, chinese in self._twins:
            if found := shape.fullmatch(text):
                return chinese.format(**{name: self.said(part) for name, part in found.groupdict().items()})
        return text


def _shape(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    marks = [f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(marks), re.DOTALL)
