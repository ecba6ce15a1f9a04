"""A workflow that fans out to 10,000 jobs and in again, beside as many jobs that wait for nothing.

`python -m benchmarks.conditions.workflows`

Both are stored and run to their end by one worker of this process, by turns in one run.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from typing import Annotated, Any

import typer
from tests.servers.postgres import running_server

from onbeat import JobHandle, Onbeat, Settings
from onbeat.app.processes import Parts
from onbeat.runtime.worker.worker import WorkerOptions

WALL = 4.0
"""What is promised: it takes at most so many times as long."""

CHAIN = 100
LOOK_EVERY = 0.01


def application(url: str) -> Onbeat:
    return Onbeat(url, settings=Settings(db=url))


async def ended(job: JobHandle[None]) -> None:
    """Look every few milliseconds: `result` looks twice a second in the end."""
    while not (await job.show()).state.is_final:  # noqa: ASYNC110 - nobody is told of an end
        await asyncio.sleep(LOOK_EVERY)


async def measure(url: str, *, jobs: int = 10_000, rounds: int = 3) -> dict[str, Any]:
    """Seconds of both, and of a chain, at the median; and the ratio."""
    ob = application(url)

    @ob.task
    async def noop() -> None: ...

    call = noop.bind()

    async def plain() -> JobHandle[None]:
        await ob.enqueue_many([call] * (jobs + 1))
        return await noop.opts(priority=0).enqueue()

    async def fan() -> JobHandle[None]:
        flow = ob.workflow("fan")
        first = flow.add(call)
        children = [flow.add(call, after=first) for _ in range(jobs)]
        last = flow.add(call, after=children)
        await flow.start()
        return last.handle

    async def chain() -> JobHandle[None]:
        flow = ob.workflow("chain")
        steps = flow.chain(*[call] * CHAIN)
        await flow.start()
        return steps[-1].handle

    await ob.migrate()
    taken: dict[str, list[float]] = {"plain": [], "stored": [], "fan": [], "chain": []}
    parts = Parts(options=WorkerOptions(slots=20))
    async with ob, ob.running(parts=parts):
        for _ in range(rounds):
            for name, begin in (("plain", plain), ("fan", fan), ("chain", chain)):
                began = time.perf_counter()
                last = await begin()
                if name == "fan":
                    taken["stored"].append(time.perf_counter() - began)
                await ended(last)
                taken[name].append(time.perf_counter() - began)
    seconds = {name: statistics.median(each) for name, each in taken.items()}
    return {
        "engine": url.partition(":")[0],
        "jobs": jobs,
        "plain_seconds": seconds["plain"],
        "fan_seconds": seconds["fan"],
        "of_it_to_store": seconds["stored"],
        "ratio": seconds["fan"] / seconds["plain"],
        "wall": WALL,
        "ms_a_link_of_a_chain": 1_000 * seconds["chain"] / CHAIN,
    }


def main(
    jobs: Annotated[int, typer.Option(help="Jobs between the first and the last.")] = 10_000,
    rounds: Annotated[int, typer.Option(help="Times each is measured.")] = 3,
) -> None:
    """Measure on both engines; ends with 1 over the promised ratio."""
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        urls = (f"sqlite:///{folder}/workflows.db", server.create_database("workflows"))
        results = [asyncio.run(measure(url, jobs=jobs, rounds=rounds)) for url in urls]
    for result in results:
        print(json.dumps(result))
    raise typer.Exit(any(result["ratio"] > WALL for result in results))


if __name__ == "__main__":
    typer.run(main)
