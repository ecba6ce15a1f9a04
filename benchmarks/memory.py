"""How much memory a worker takes while 100,000 jobs wait: the highest it ever held, by the kernel.

Measured in a process of its own, `python -m benchmarks.memory URL SECONDS`, on a store that is
full already. VmHWM of /proc/self/status, because getrusage's maximum is inherited from the parent.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from onbeat import Onbeat

PENDING = 100_000
SECONDS = 5.0
WALL_MB = 200


def peak_of_a_worker(url: str) -> float:
    """Fill the store, run a worker on it for a while; its peak in MB."""
    asyncio.run(fill(url))
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", url, str(SECONDS)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(ran.stdout) / 1024


async def fill(url: str) -> None:
    """Enqueue jobs that each take a while, so that the backlog stays."""
    onbeat = Onbeat(url)
    await onbeat.migrate()
    task = onbeat.task(wait)
    async with onbeat:
        await onbeat.enqueue_many(task.bind(number) for number in range(PENDING))


async def wait(number: int) -> None:
    """Take a millisecond: a short job, so that the worker also prefetches."""
    await asyncio.sleep(0.001)


async def work(url: str, seconds: float) -> None:
    """Run a worker as `onbeat worker` would."""
    onbeat = Onbeat(url)
    onbeat.task(wait)
    async with onbeat, onbeat.running(scheduler=False):
        await asyncio.sleep(seconds)


def peak_kib() -> int:
    """The most this process has held resident."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("this system tells no peak of memory; measure on Linux")


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], float(sys.argv[2])))
    print(peak_kib())
