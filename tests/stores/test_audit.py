"""The audit log: every way of tampering is found and placed; many write at once; a crash costs nothing answered for."""

import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mien.core.errors import TransientError
from mien.stores.audit import Audit, Head
from mien.stores.audit_check import verify

KEY = b"k" * 32


def log(folder: Path) -> Audit:
    return Audit(folder / "audit.jsonl", folder / "apart" / "head", KEY)


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """Ten entries."""
    audit = log(tmp_path)
    for k in range(10):
        audit.add("profile.read", at_us=k, by="key-1", user_id=f"user-{k % 3}", detail={"n": k})
    return audit


def rewrite(audit: Audit, change: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(change(lines)))


def test_a_log_nobody_touched_is_sound(audit: Audit) -> None:
    verdict = verify(audit)
    assert (verdict.sound, verdict.entries, verdict.head) == (True, 10, audit.noted())
    assert [entry["seq"] for entry in audit.entries(limit=3)] == [10, 9, 8]
    assert [entry["detail"]["n"] for entry in audit.entries(user_id="user-1")] == [7, 4, 1]
    assert b"user-1" not in audit.path.read_bytes()


def test_an_empty_log_is_sound(tmp_path: Path) -> None:
    assert verify(log(tmp_path)).to_dict() == {
        "sound": True, "entries": 0, "head": str(Head()), "problems": [],
    }  # fmt: skip


TAMPERED = {
    "altered": (lambda lines: [*lines[:4], lines[4].replace(b"key-1", b"key-2"), *lines[5:]], "line 5: was altered"),
    "removed": (lambda lines: [*lines[:4], *lines[6:]], "line 5: entries 5 to 6 missing before entry 7"),
    "one removed": (lambda lines: lines[1:], "line 1: entry 1 missing before entry 2"),
    "swapped": (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "line 6: entry 5 was moved"),
    "doubled": (lambda lines: [*lines[:5], lines[4], *lines[5:]], "line 6: entry 5 stands here again"),
    "truncated": (lambda lines: lines[:7], "the log ends at entry 7, but the noted head says 10"),
    "emptied": (lambda lines: [], "the log ends at entry 0, but the noted head says 10"),
    "made up": (lambda lines: [*lines[:4], b'{"seq": 5}\n', *lines[5:]], "line 5: was altered"),
    "no text": (lambda lines: [*lines[:4], b"\xff\xfe\n", *lines[5:]], "line 5: was altered"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found_and_placed(audit: Audit, name: str) -> None:
    change, wanted = TAMPERED[name]
    rewrite(audit, change)
    problems = verify(audit).problems
    assert any(wanted in problem for problem in problems), problems


def test_an_altered_line_alone_is_told(audit: Audit) -> None:
    rewrite(audit, TAMPERED["altered"][0])
    assert len(verify(audit).problems) == 1


def test_every_single_byte_counts(audit: Audit) -> None:
    whole = audit.path.read_bytes()
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        audit.path.write_bytes(bytes(changed))
        assert not verify(audit).sound, whole[place - 20 : place + 20]


def test_a_chain_forged_without_the_key_is_found(audit: Audit, tmp_path: Path) -> None:
    forged = Audit(tmp_path / "forged", tmp_path / "forged-head", b"x" * 32)
    for k in range(10):
        forged.add("profile.read", at_us=k, by="nobody", detail={"n": k})
    audit.path.write_bytes(forged.path.read_bytes())
    assert len(verify(audit).problems) >= 10


def test_both_cut_short_shows_beside_a_head_kept_elsewhere(audit: Audit) -> None:
    kept = audit.noted()
    rewrite(audit, lambda lines: lines[:7])
    line = json.loads(audit.path.read_bytes().splitlines()[-1])
    audit.head.write_text(str(Head(7, line["hash"])))
    assert verify(audit).sound
    assert "the head given says 10" in verify(audit, kept).problems[0]


def test_after_tampering_the_log_goes_on_and_still_tells(audit: Audit) -> None:
    rewrite(audit, lambda lines: lines[:7])
    assert audit.add("erase", at_us=99, by="key-1") == 11
    assert "line 8: entries 8 to 10 missing before entry 11" in verify(audit).problems


def test_the_head_gone_is_told_and_mended_by_the_next_entry(audit: Audit) -> None:
    audit.head.unlink()
    assert "head is missing" in verify(audit).problems[0]
    audit.add("erase", at_us=99, by="key-1")
    assert verify(audit).sound


@pytest.mark.parametrize("kept", [1, 40, 100])
def test_a_line_cut_by_a_crash_is_dropped(audit: Audit, kept: int) -> None:
    with audit.path.open("ab") as file:
        file.write(b'{"seq": 11, "at": "1970-01-01T00:00:00.000009+00:00", "by": "key-1", "action": "x"'[:kept])
    assert audit.add("erase", at_us=99, by="key-1") == 11
    assert verify(audit).sound


def test_a_crash_between_log_and_head_is_no_problem(audit: Audit) -> None:
    before = audit.head.read_bytes()
    audit.add("erase", at_us=99, by="key-1")
    audit.head.write_bytes(before)
    assert verify(audit).sound
    assert audit.add("erase", at_us=100, by="key-1") == 12


def _write(folder: Path, number: int) -> None:
    audit = log(folder)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: audit.add("profile.read", at_us=k, by=f"process-{number}"), range(50)))


def test_several_processes_and_threads_make_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    audit = log(tmp_path)
    verdict = verify(audit)
    assert (verdict.problems, verdict.entries, verdict.head.seq) == ((), 150, 150)
    assert sorted({entry["by"] for entry in audit.entries()}) == ["process-0", "process-1", "process-2"]


@pytest.mark.timeout(60)
def test_nobody_waits_for_who_reads(audit: Audit) -> None:
    """A log of years takes seconds to read, and no profile is answered before its line is written."""
    lines = audit.lines()
    read = [next(lines)]
    beside = threading.Thread(target=lambda: log(audit.path.parent).add("erase", at_us=99, by="key-1"), daemon=True)
    beside.start()
    beside.join(10)
    assert not beside.is_alive()
    assert len([*read, *lines]) == 10, "what was there when the reading began"
    assert verify(audit).entries == 11


def test_what_is_added_during_a_check_is_no_fault(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Audit.lines

    def busy(self: Audit) -> Iterator[bytes]:
        for number, line in enumerate(lines(self)):
            if number == 5:
                log(audit.path.parent).add("erase", at_us=99, by="key-1")
            yield line

    monkeypatch.setattr(Audit, "lines", busy)
    assert verify(audit).problems == ()


def test_what_cannot_be_noted_says_so(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(TransientError, match="audit log"):
        log(tmp_path).add("erase", at_us=1, by="key-1")


def test_the_files_are_their_owners(audit: Audit) -> None:
    assert os.stat(audit.path).st_mode & 0o077 == 0
    assert os.stat(audit.head).st_mode & 0o077 == 0
