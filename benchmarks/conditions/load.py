"""The API under 100 requests a second, over a record of a million jobs.

`python -m benchmarks.conditions.load`

`onbeat api` is a process of its own. Requests are sent when they are due, whether or not those
before have been answered, and each is timed from the moment it was due: an API that stalls is not
spared by a client that waits with it. Of ten, four ask for a job, three look at one, and three
list, with every filter that there is, from anywhere in the record.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import msgspec
import typer
from tests.servers.postgres import running_server

from benchmarks.conditions.lists import (
    LIST_WALL,
    LISTS,
    SINGLE_WALL,
    Record,
    filled,
    percentiles,
)
from onbeat.domain.access import Permission
from onbeat.domain.job_cursors import Position, Sort, cursor

WARM = 2.0
"""Seconds before it counts."""


def question(fields: dict[str, Any], record: Record, luck: random.Random) -> list[tuple[str, str]]:
    """What is asked of a list: its filters, and where in it the page begins."""
    asked = [("limit", "50")]
    for name, value in fields.items():
        if name == "args":
            asked += [("arg", f"{path}={msgspec.json.encode(of).decode()}") for path, of in
                      value.items()]  # fmt: skip
        else:
            asked += [(name, str(each)) for each in (value if isinstance(value, list) else [value])]
    sort, place = fields.get("sort", Sort.NEWEST), record.job()
    if luck.random() < 0.7:
        at = place if sort.is_by_end else Position(None, place.job)
        asked.append(("after", cursor(sort, at)))
    return asked


class Load:
    """Asks an API, and keeps what each kind of request took."""

    def __init__(self, session: aiohttp.ClientSession, record: Record) -> None:
        self.session = session
        self.record = record
        self.luck = random.Random(11)
        self.took: defaultdict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []

    async def ask(self, due: float) -> None:
        """One request, chosen by lot."""
        kind = self.luck.choices(("enqueue", "one job", "list"), (4, 3, 3))[0]
        if kind == "enqueue":
            body = {"task": "charge", "args": {"order_id": self.luck.randint(1, 10**9)}}
            sent = self.session.post("/api/v1/jobs", json=body)
        elif kind == "one job":
            sent = self.session.get(f"/api/v1/jobs/{self.record.job().job}")
        else:
            asked = question(self.luck.choice(list(LISTS.values())), self.record, self.luck)
            sent = self.session.get("/api/v1/jobs", params=asked)
        async with sent as answer:
            told = await answer.read()
        if answer.status >= 400:
            self.wrong.append(f"{kind}: {answer.status} {told[:200]!r}")
        self.took[kind].append((time.perf_counter() - due) * 1_000)

    async def run(self, rate: int, seconds: float) -> None:
        """So many a second, each at its moment."""
        begin, asking = time.perf_counter(), set()
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asking.add(each := asyncio.create_task(self.ask(due)))
            each.add_done_callback(asking.discard)
        if asking:
            await asyncio.wait(asking)


@asynccontextmanager
async def served(url: str) -> AsyncIterator[tuple[str, int]]:
    """`onbeat api` on that database: where it answers, and its process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onbeat", "api", "--port", "0", "--json",
        env={**os.environ, "ONBEAT_DB": url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    ready = msgspec.json.decode(await process.stdout.readline())["ready"]
    try:
        yield ready["api"], process.pid
    finally:
        process.terminate()
        await process.wait()


def resident(pid: int) -> float:
    """MiB of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(url: str, *, jobs: int, rate: int, seconds: float) -> dict[str, Any]:
    """How long each kind of request takes, and what became of the memory."""
    record = Record(jobs)
    async with filled(url, record) as ob:
        token = await ob.tokens.create("load", frozenset(Permission), by="bench")
        engine = (await ob.store()).engine
    bearer = {"Authorization": f"Bearer {token.text}"}
    async with served(url) as (address, pid):
        connections = aiohttp.TCPConnector(limit=200)
        async with aiohttp.ClientSession(address, headers=bearer, connector=connections) as session:
            await Load(session, record).run(rate, WARM)
            before, load = resident(pid), Load(session, record)
            await load.run(rate, seconds)
            after = resident(pid)
    return {"engine": engine, "took": load.took, "wrong": load.wrong, "memory": (before, after)}


def main(
    jobs: Annotated[int, typer.Option(help="Jobs on record.")] = 1_000_000,
    rate: Annotated[int, typer.Option(help="Requests a second.")] = 100,
    seconds: Annotated[float, typer.Option(help="How long.")] = 30,
) -> None:
    """Measure on both engines; 1 when what is promised is missed."""
    missed = False
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        for url in (f"sqlite:///{folder}/load.db", server.create_database("load")):
            found = asyncio.run(measure(url, jobs=jobs, rate=rate, seconds=seconds))
            print(f"{found['engine']}, {jobs:,} jobs on record, {rate} requests a second")
            for kind, taken in sorted(found["took"].items()):
                wall, ms = LIST_WALL if kind == "list" else SINGLE_WALL, percentiles(taken)
                missed |= ms["p95"] > wall
                note = "  MISSED" if ms["p95"] > wall else ""
                print(f"  {kind:10} {len(taken):6,} asked   p50 {ms['p50']:7.1f} ms   "
                      f"p95 {ms['p95']:7.1f} ms   most {max(taken):7.1f} ms{note}")  # fmt: skip
            before, after = found["memory"]
            print(f"  memory {before:.0f} MiB, then {after:.0f} MiB")
            print(f"  {len(found['wrong'])} refused or failed", *found["wrong"][:3], sep="\n    ")
            missed |= bool(found["wrong"])
    raise typer.Exit(int(missed))


if __name__ == "__main__":
    typer.run(main)
