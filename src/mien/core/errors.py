"""One tree of errors; each says what happened, where, and what to do.

    MienError
    ├── UsageError            the call itself is wrong: an argument, a setting, a combination of them
    ├── UnknownName           a user, item, model, facet, … that nobody knows; carries the nearest known ones
    ├── SourceError           a file, table or folder that cannot be read or mapped
    │   └── MappingNeeded     the columns are ambiguous; a draft was written
    ├── WorkspaceError        a workspace missing, of a newer version, or in use
    ├── NotReady              something must be built or trained first
    ├── TransientError        worth trying again (a full disk, a lock, a server that is away)
    └── MissingExtra          an optional package is not installed

An error carries the template of its sentence and the facts in it, so that it can be said in another language
(`mien.translation`). A bad event among a thousand is a verdict (`prepare`), not an exception. Errors know no HTTP and
no exit code: `web` and `cli` map them, each in one table.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from mien.core.phrase import Phrase


class MienError(Exception):
    """The root. `code` is the stable word that programs match on; `phrase` the sentence, its facts told apart.

    The sentence is a template and its facts, never an f-string: `UsageError("“{text}” is not a time.", text=text)`.
    """

    code = "error"

    def __init__(self, template: str, /, **facts: object) -> None:
        self.phrase = template if isinstance(template, Phrase) else Phrase(template, **facts)
        super().__init__(str(self.phrase))


class UsageError(MienError):
    """The call itself is wrong: an argument, a setting or a combination of them."""

    code = "usage"


class UnknownName(MienError):
    """A name nobody knows. Facts: `kind`, `name`, `nearest`."""

    code = "unknown_name"

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        self.kind = kind if isinstance(kind, Phrase) else Phrase(kind)
        self.name = name
        candidates = list(known)
        self.nearest = get_close_matches(name, candidates, n=3, cutoff=0.5) or candidates[:5]
        if self.nearest:
            told = Phrase(
                "Unknown {kind} “{name}”. Nearest: {nearest}.", kind=self.kind, name=name, nearest=self.nearest
            )
        else:
            told = Phrase("Unknown {kind} “{name}”.", kind=self.kind, name=name)
        super().__init__(told)


class SourceError(MienError):
    """A source that cannot be read. Facts: `path`, `row` (1-based line), `column`."""

    code = "source"

    def __init__(
        self,
        template: str | Phrase,
        /,
        *,
        path: Path | str | None = None,
        row: int | None = None,
        column: str | None = None,
        **facts: object,
    ) -> None:
        self.path, self.row, self.column = path, row, column
        message = template if isinstance(template, Phrase) else Phrase(template, **facts)
        places: list[object] = [str(path)] if path else []
        places += [Phrase("row {row}", row=row)] if row else []
        places += [Phrase("column {column}", column=column)] if column else []
        super().__init__(Phrase("{where}: {message}", where=places, message=message) if places else message)


class MappingNeeded(SourceError):
    """Columns could not be mapped without a doubt. Fact: `draft`, the mapping file that was written."""

    code = "mapping_needed"

    def __init__(self, template: str, /, *, draft: Path, path: Path | str | None = None, **facts: object) -> None:
        super().__init__(Phrase(template, draft=draft, **facts), path=path)
        self.draft = draft


class WorkspaceError(MienError):
    """A workspace that is missing, of a newer version, or in use by another process."""

    code = "workspace"


class NotReady(MienError):
    """Something has to be built or trained first; the message names the command."""

    code = "not_ready"


class TransientError(MienError):
    """Worth trying again: a full disk, a lock held, a server that is away."""

    code = "try_again"


class MissingExtra(MienError):
    """An optional package is not installed. Facts: `extra`, `package`."""

    code = "missing_extra"

    def __init__(self, extra: str, package: str) -> None:
        self.extra, self.package = extra, package
        super().__init__(
            "This needs the package {package}. Install it with: pip install 'mien[{extra}]'",
            extra=extra,
            package=package,
        )
