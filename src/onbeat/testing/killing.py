"""A worker in a process of its own, killed by the kernel at a named point.

It has the kit's database and its moment; nothing moves the clock while it lives. What the test has
patched is not there: it imports the application anew, as any worker does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime, timedelta

import msgspec

from onbeat.app.onbeat import Onbeat
from onbeat.crash_points import CrashPoint
from onbeat.testing.crashes import SCHEDULER_POINTS
from onbeat.testing.errors import KitError
from onbeat.timing import within

START_SECONDS = 30.0
"""How long a process may take to start, beside the kit's patience with jobs."""

KILLABLE = frozenset(CrashPoint) - SCHEDULER_POINTS
"""Where a worker's process can be killed: also within the store, where no worker alone comes."""

SURVIVED = 3
"""What the process ends with when it has done all its work."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told."""

    app: str
    url: str
    at: datetime
    point: str
    on_pass: int
    queues: tuple[str, ...]
    slots: int
    patience: timedelta
    seed: str
    path: list[str]


def place_of(ob: Onbeat) -> str:
    """Where another process finds the application, as `module:name`. Raises KitError."""
    homes = {each.function.__module__ for each in ob.definitions}
    found = [
        (name not in homes, f"{name}:{key}")
        for name, module in list(sys.modules.items())
        if name != "__main__"
        for key, value in list(getattr(module, "__dict__", {}).items())
        if value is ob
    ]
    if not found:
        raise KitError(
            "the application is not at the top of any module, so another process cannot import it; "
            "put it there, or use crash_at, which lets the kit's own worker die"
        )
    return min(found)[1]


async def kill_one(order: Order) -> None:
    """Run a worker until it is killed. Raises KitError when it does not come to the point."""
    pipe, path = asyncio.subprocess.PIPE, os.pathsep.join(order.path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onbeat.testing.doomed",
        stdin=pipe, stdout=asyncio.subprocess.DEVNULL, stderr=pipe,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    try:
        async with within(START_SECONDS + order.patience.total_seconds()):
            _, errors = await process.communicate(msgspec.json.encode(order))
    except BaseException as error:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise KitError(f"the worker's process did not come to {order.point} in time") from None
        raise
    if process.returncode == -signal.SIGKILL:
        return
    if process.returncode == SURVIVED:
        raise KitError(f"the worker's process did all its work and did not come to {order.point}")
    raise KitError(f"the worker's process failed:\n{errors.decode(errors='replace')[-4000:]}")
