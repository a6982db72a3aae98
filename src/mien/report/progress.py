"""How long work says how far it is: bars on standard error, so that standard output stays clean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mien.report.wording import Language, step_name


class Bars:
    """A `core.ports.Progress` drawn with rich; where standard error is no terminal, one line a step."""

    def __init__(self, console: Console, language: Language = "en") -> None:
        self._console, self._language = console, language
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def step(self, name: str, total: int | None) -> Callable[[int], None]:
        """Begin a step; the one before is complete."""
        for task in self._bars.tasks:
            self._bars.update(task.id, completed=task.total or 1, total=task.total or 1)
        name = step_name(name, self._language)
        if not self._console.is_terminal:
            self._console.print(f"{name} …")
        task_id = self._bars.add_task(name, total=total, note="")
        return lambda amount: self._bars.advance(task_id, amount)

    def note(self, text: str) -> None:
        """Beside the bar of the step at hand."""
        if self._bars.tasks:
            self._bars.update(self._bars.tasks[-1].id, note=text)

    @contextmanager
    def running(self) -> Iterator["Bars"]:
        """Draw until the work is done; on success the last step is complete."""
        with self._bars:
            yield self
            for task in self._bars.tasks:
                self._bars.update(task.id, completed=task.total or 1, total=task.total or 1)
