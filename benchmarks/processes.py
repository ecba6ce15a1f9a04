"""What Linux says of a process and its children, and how they end with whoever started them."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*")
        for child in (task / "children").read_text().split()
    ]
    return [pid, *(member for child in children for member in family(child))]


def processor_seconds(pid: int) -> float:
    """Processor time of the family so far."""
    return sum(own_processor_seconds(member) for member in family(pid))


def own_processor_seconds(pid: int) -> float:
    # The name of the command may hold spaces; it ends with the last bracket.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mb(pid: int) -> float:
    """The sum of what each of the family held at its highest, in MB."""
    return sum(own_peak_kib(member) for member in family(pid)) / 1024


def own_peak_kib(pid: int) -> int:
    # VmHWM, because getrusage's maximum is inherited from the parent.
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])

    raise RuntimeError("this system tells no peak of memory; measure on Linux")


def killed_with_parent() -> Callable[[], None]:
    """Make what a child calls before it starts: it is killed when the harness ends in any way.

    SIGKILL and not SIGQUIT: what a shell starts in the background ignores that one.
    """
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask
