"""A process of the application under chaos: `python -m tests.chaos.app PART…`.

PART is worker, scheduler, or apart, which has the worker's heart beat in a process of its own.
ARMED names a crash point and a pass: the process kills itself there.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import tests.chaos.conditions  # noqa: F401 - its tasks are the application's too
from onbeat.app.processes import Parts
from onbeat.crash_points import CrashPoint, arm
from onbeat.domain.events import AckRefused, AcksDelayed, JobsRescued, SessionLost
from tests.chaos.tasks import ob

SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

TOLD = (AckRefused, AcksDelayed, JobsRescued, SessionLost)


async def main(parts: list[str]) -> None:
    """Run the parts until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    built = Parts.from_settings(
        ob.settings,
        worker="worker" in parts,
        scheduler="scheduler" in parts,
        heart_in_process="apart" in parts,
    )
    async with ob, ob.running(parts=built, emit=tell):
        (Path(os.environ["CHAOS_FOLDER"]) / f"ready-{os.getpid()}").touch()
        await ended.wait()


def tell(event: object) -> None:
    """Count what the run is to be judged on."""
    if isinstance(event, TOLD):
        with (Path(os.environ["CHAOS_FOLDER"]) / "events").open("a") as events:
            events.write(f"{type(event).__name__} {os.getpid()} {time.monotonic()} {event}\n")


def die() -> None:
    """End at once, as when the power goes."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    armed = os.environ.pop("ARMED", "")
    if armed:
        point, _, on_pass = armed.partition(":")
        arm(CrashPoint(point), die, on_pass=int(on_pass))
    asyncio.run(main(sys.argv[1:]))
