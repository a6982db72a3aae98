"""Whether the audit log is as it was written, and if not, where it is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mien.core.phrase import Phrase
from mien.stores.audit import START, Audit, Head

MOST_TOLD = 100
"""Problems that are told; more follow from the same cause."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`entries`: sound lines. `problems`: a sentence each, as the file goes. `head`: of the log as it stands."""

    entries: int
    problems: tuple[Phrase, ...]
    head: Head

    @property
    def sound(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        told = {"sound": self.sound, "entries": self.entries, "head": str(self.head)}
        return told | {"problems": [str(problem) for problem in self.problems]}


def verify(audit: Audit, known: Head | None = None) -> Verdict:
    """Read the whole log. `known`: a head that was kept elsewhere; None for none.

    Cost: one hash a line.
    """
    check, noted = _Check(audit), audit.noted()  # the head first: lines may be added meanwhile
    for number, text in enumerate(audit.lines(), start=1):
        check.line(number, text)
    check.ends_at("the noted head", noted)
    if known is not None:
        check.ends_at(Phrase("the head given"), known)
    return Verdict(check.entries, tuple(check.problems[:MOST_TOLD]), check.last)


class _Check:
    """One walk along the chain. `hashes`: seq → hash of the sound lines."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.last = Head()
        self.entries = 0
        self.problems: list[Phrase] = []
        self.hashes: dict[int, str] = {0: START}
        self._broken = False

    def line(self, number: int, text: bytes) -> None:
        found = self.audit.sound(text)
        if found is None:
            where = self._place()
            self.problems.append(
                Phrase(
                    "line {number}: was altered, or was not written by this log (after {where})",
                    number=number,
                    where=where,
                )
            )
            self._broken = True
            return
        self.entries += 1
        self.problems += [
            Phrase("line {number}: {problem}", number=number, problem=problem)
            for problem in self._order(found["seq"], found["previous"])
        ]
        if found["seq"] not in self.hashes:
            self.hashes[found["seq"]] = found["hash"]
            self.last = max(self.last, Head(found["seq"], found["hash"]), key=lambda one: one.seq)
        self._broken = False

    def _order(self, seq: int, previous: str) -> Iterator[Phrase]:
        wanted = self.last.seq + 1
        if seq in self.hashes:
            yield Phrase("entry {seq} stands here again", seq=seq)
        elif seq < wanted:
            yield Phrase("entry {seq} was moved: it stands after entry {last}", seq=seq, last=self.last.seq)
        elif seq > wanted + self._broken:
            if seq == wanted + 1:
                yield Phrase("entry {wanted} missing before entry {seq}", wanted=wanted, seq=seq)
            else:
                gone = {"wanted": wanted, "last": seq - 1}
                yield Phrase("entries {wanted} to {last} missing before entry {seq}", **gone, seq=seq)
        elif seq == wanted and previous != self.last.hash:
            yield Phrase("entry {seq} does not follow entry {last}", seq=seq, last=self.last.seq)

    def ends_at(self, name: object, head: Head | None) -> None:
        """Compare the end of the log with a head."""
        if head is None:
            if self.last.seq:
                self.problems.append(
                    Phrase("{name} is missing or cannot be read, so lines at the end may be missing", name=name)
                )
        elif head.seq > self.last.seq:
            self.problems.append(
                Phrase(
                    "the log ends at entry {last}, but {name} says {seq}: what came after is missing",
                    last=self.last.seq,
                    name=name,
                    seq=head.seq,
                )
            )
        elif head.seq in self.hashes and self.hashes[head.seq] != head.hash:
            self.problems.append(Phrase("entry {seq} is not the one that {name} names", seq=head.seq, name=name))

    def _place(self) -> Phrase:
        return Phrase("entry {seq}", seq=self.last.seq) if self.last.seq else Phrase("the beginning")
