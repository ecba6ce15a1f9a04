"""The process group of a command, which is signalled as a whole.

A group goes by the number of its leader. A process that has ended keeps its number until somebody
waits for it, so that is done last: were it done at once, the number could become a stranger's
while something else still holds the output, and the stranger would be ended with the job.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from onbeat.domain.errors import OnbeatError

PROC = Path("/proc")


class NoGroup(OnbeatError):
    """This machine cannot tell that a process has ended without giving its number away."""


class Group:
    """The leader, and all that it started and that did not leave."""

    def __init__(self, leader: subprocess.Popen[bytes]) -> None:
        """Watch over a leader nobody has waited for. Raises NoGroup, OSError."""
        if sys.platform != "linux":
            raise NoGroup("the task 'shell' needs Linux; send the job to a worker that runs there")
        self.number = leader.pid
        self._leader = leader
        self._has_ended = asyncio.Event()
        self._is_let_go = False
        self._watch = os.pidfd_open(leader.pid)
        asyncio.get_running_loop().add_reader(self._watch, self._note_end)

    async def ended(self) -> None:
        """Wait until the leader has ended; others may be left."""
        await self._has_ended.wait()

    def is_empty(self) -> bool:
        """Whether nobody in it runs any more."""
        return not any(self._has(int(each.name)) for each in PROC.iterdir() if each.name.isdigit())

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all of it, unless it was let go."""
        if not self._is_let_go:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.number, number)

    def let_go(self) -> int | None:
        """Give its number away as soon as the leader has ended; never signal it again.

        The leader's exit code, negative for a signal; None while it has not ended.
        """
        self._is_let_go = True
        return self._leader.wait() if self._has_ended.is_set() else None

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watch)
        os.close(self._watch)
        self._has_ended.set()
        if self._is_let_go:
            self._leader.wait()

    def _has(self, pid: int) -> bool:
        """Whether that process is in it and runs; asking for its group first is a cheap sieve."""
        try:
            return os.getpgid(pid) == self.number and _runs(pid)
        except OSError:  # it ended meanwhile
            return False


def _runs(pid: int) -> bool:
    """Whether it has not ended; proc_pid_stat(5) has the state behind the name's bracket."""
    stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    return stat.rpartition(")")[2].split()[0] not in "ZX"
