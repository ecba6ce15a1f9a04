"""What this machine is called, and which of its starts this is."""

from __future__ import annotations

import os
import socket
from pathlib import Path

STARTED_FIELD = 19
"""Of /proc/PID/stat, counted behind the name's closing bracket: when the process was started."""


def host_name() -> str:
    """The machine's name."""
    return socket.gethostname()


def instance_name(said: str = "") -> str:
    """What this process is called, where nobody has said it."""
    return said or f"{host_name()}-{os.getpid()}"


def boot_id(proc: Path = Path("/proc")) -> str | None:
    """A text that differs from one start to the next; None where this system has none to tell.

    The kernel's own id alone would not do: a container that is started again keeps its host's. So
    the start of the first process counts too, which is the container's, or the machine's own.
    """
    try:
        kernel = (proc / "sys/kernel/random/boot_id").read_text().strip()
        first = (proc / "1/stat").read_text().rpartition(")")[2].split()[STARTED_FIELD]
    except (OSError, IndexError):
        return None
    return f"{kernel}/{first}"
