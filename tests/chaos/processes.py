"""Looking at the machine's processes: whose child is whose, and which belong to a run."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def descendants(pid: int) -> list[int]:
    """All processes under `pid`, without it."""
    children: dict[int, list[int]] = defaultdict(list)
    for each in _pids():
        with suppress(OSError, ValueError, IndexError):
            # The name, in brackets, may hold spaces and brackets itself.
            fields = (PROC / str(each) / "stat").read_text().rpartition(")")[2].split()
            children[int(fields[1])].append(each)
    found, unseen = [], [pid]
    while unseen:
        below = children[unseen.pop()]
        found += below
        unseen += below
    return found


def command(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    with suppress(OSError):
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""


def marked(mark: str) -> list[int]:
    """The living processes that have `mark` in their environment."""
    found = []
    for pid in _pids():
        with suppress(OSError):
            has_mark = mark.encode() in (PROC / str(pid) / "environ").read_bytes()
            if has_mark and pid != os.getpid():
                found.append(pid)
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each that is there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _pids() -> list[int]:
    return [int(each.name) for each in PROC.iterdir() if each.name.isdecimal()]
