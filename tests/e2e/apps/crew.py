"""An application as a user would write it, run as a process: `python -m tests.e2e.apps.crew PART…`.

PART is worker or scheduler. Each job notes its id and token in the file LEDGER names, so that a
test can tell what ran from what is on record, and when and in which worker it did. SIGTERM ends it
as a container's stop would.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from onbeat import Breaker, Limit, Onbeat, Retry, Run, Unique

ob = Onbeat(name="crew")
ledger = Path(os.environ["LEDGER"])


def note(run: Run, word: str = "-", worker: int = 0) -> None:
    """Add a line to the ledger; so short a write with O_APPEND is never torn."""
    line = f"{run.job} {run.token} {word} {time.time():.6f} {worker or os.getpid()}\n".encode()
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


@ob.task
async def work(run: Run) -> int:
    """Take a moment, and note that it was done."""
    await asyncio.sleep(0.01)
    note(run)
    return run.token


@ob.task
async def beat(run: Run) -> None:
    """Note at once."""
    note(run, "beat")


BOUND = Limit("bound", concurrency=2, by="key")


@ob.task(limits=BOUND)
async def bounded(run: Run, key: str) -> None:
    """Note its begin and its end, with its key."""
    note(run, f"{key}:begun")
    await asyncio.sleep(0.01)
    note(run, f"{key}:ended")


async def _race(run: Run, key: str) -> None:
    note(run, f"{key}:begun")
    await asyncio.sleep(0.005)
    note(run, f"{key}:ended")


@ob.task(unique=Unique())
async def alone(run: Run, key: str) -> None:
    """Note its begin and its end; have its key until then."""
    await _race(run, key)


@ob.task(unique=Unique(on_conflict="replace"))
async def latest(run: Run, key: str) -> None:
    """The same, and take the place of one that waits."""
    await _race(run, key)


@ob.task(unique=Unique(until="begun"))
async def one_waits(run: Run, key: str) -> None:
    """The same with its key until it begins."""
    await _race(run, key)


@ob.task(unique=Unique(until="begun", on_conflict="replace"))
async def newest_waits(run: Run, key: str) -> None:
    """The same, and take the place of one that waits."""
    await _race(run, key)


@ob.task(unique=Unique())
async def stay_alone(run: Run, key: str) -> None:
    """Have a key until the file GATE names is there."""
    note(run, f"{key}:begun")
    while not os.path.exists(os.environ["GATE"]):  # noqa: ASYNC110, ASYNC240, PTH110 - as above
        await asyncio.sleep(0.01)


RACES = {each.name: each for each in (alone, latest, one_waits, newest_waits, stay_alone)}

DEPENDENCY = Breaker("dependency", threshold=3, open_for="300ms", probes=2)


@ob.task(breakers=DEPENDENCY, retry=Retry(1_000, base="20ms", cap="50ms"))
async def call_out(run: Run) -> None:
    """Note its begin and its end; fail until the file GATE names is there."""
    note(run, "call:begun")
    await asyncio.sleep(0.1)
    is_up = os.path.exists(os.environ["GATE"])  # noqa: ASYNC240, PTH110 - as above
    note(run, "call:ended" if is_up else "call:failed")
    if not is_up:
        raise ConnectionError("the dependency is down")


@ob.task
async def last_parent(run: Run, mine: str, other: str) -> None:
    """Wait for the other parent, so that both end at once, and note it."""
    Path(mine).touch()  # noqa: ASYNC240 - a test's own meeting place
    while not os.path.exists(other):  # noqa: ASYNC110, ASYNC240, PTH110 - as above
        await asyncio.sleep(0.003)
    note(run)


@ob.task
async def hold(run: Run, gate: str) -> str:
    """Note that it has begun, and wait until the file `gate` is there."""
    note(run, "begun")
    while not os.path.exists(gate):  # noqa: ASYNC110, ASYNC240, PTH110 - a test opens it
        await asyncio.sleep(0.01)
    return "through"


@ob.task
async def stay(run: Run, gate: str) -> None:
    """Note its begin; its end too, once the file `gate` is there."""
    note(run, "begun")
    while not os.path.exists(gate):  # noqa: ASYNC110, ASYNC240, PTH110 - a test opens it
        await asyncio.sleep(0.05)
    note(run, "through")


@ob.task
def stay_in_thread(run: Run, gate: str) -> None:
    """The same in a thread, which nobody can end."""
    _stay(run, gate, os.getpid())


@ob.task(isolate="process")
def stay_in_process(run: Run, gate: str) -> None:
    """The same in a process of its own."""
    _stay(run, gate, os.getppid())


def _stay(run: Run, gate: str, worker: int) -> None:
    note(run, "begun", worker)
    while not os.path.exists(gate):  # noqa: PTH110 - a test opens it
        time.sleep(0.05)
    note(run, "through", worker)


@ob.task(isolate="process")
def grind(run: Run, pids: str) -> None:
    """Note its pid, and hold the interpreter's lock in C for minutes, so that no handler runs."""
    part = Path(f"{pids}.part")
    part.write_text(str(os.getpid()))
    part.rename(pids)
    sum(range(20_000_000_000))


@ob.task(isolate="process")
def hang(run: Run, pids: str) -> None:
    """Start a process, note both pids, and hang, in a process of its own."""
    child = subprocess.Popen(["/bin/sleep", "600"])
    part = Path(f"{pids}.part")
    part.write_text(f"{os.getpid()} {child.pid}")
    part.rename(pids)
    time.sleep(600)


async def main(parts: list[str]) -> None:
    """Run the parts until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with ob, ob.running(worker="worker" in parts, scheduler="scheduler" in parts):
        print("ready", flush=True)  # noqa: T201 - what the test waits for
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
