"""Live updates for many at once: `python -m benchmarks.conditions.live`.

500 real WebSocket clients on loopback follow all jobs of one API process, of the product's own
commands, while 200 jobs a second are asked for. Some of them leave and come back all the while.
Counted: changes that a client missed, which must be none; frames a second and client; how long a
change takes, from the making of the job's id to its coming; and the memory of the API process.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from tests.servers.postgres import launch
from websockets.asyncio.client import connect

from benchmarks.processes import processor_seconds
from onbeat import Onbeat
from onbeat.domain.access import Permission

CHECKOUT = Path(__file__).parents[2]
AWAY = (0.2, 3.0)
"""Seconds that somebody stays away."""

STAYS = (2.0, 10.0)
LAST_LOOK = 6.0
"""Seconds after the last change until all must have come."""


class Told(msgspec.Struct):
    """A change, as far as it is counted."""

    id: str


class Frame(msgspec.Struct):
    type: str
    seq: str | None = None
    changes: list[Told] = []


read = msgspec.json.Decoder(Frame).decode
commands = typer.Typer(add_completion=False)


class Crowd:
    """Clients of one process, and what they were told."""

    def __init__(self, address: str, token: str, clients: int, share: float) -> None:
        self.clients, self.come_back = clients, int(clients * share)
        self.address = address.replace("http", "ws", 1) + "/api/v1/ws"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.places: dict[str, int] = {}
        self.seen: list[bytearray] = []
        self.latencies: Counter[int] = Counter()
        self.frames: list[int] = []
        self.told = self.refetches = self.returns = self.doubles = 0
        self.ready, self.is_ready = set[int](), asyncio.Event()
        self.is_over = asyncio.Event()
        self.is_ending = False
        """Whether nobody is to leave any more."""
        self._decoded: dict[str | bytes, tuple[Frame, list[int]]] = {}

    async def client(self, number: int) -> None:
        """Follow all jobs until it is over; some leave now and then and come back."""
        self.seen.append(bytearray())
        self.frames.append(0)
        since: str | None = None
        while not self.is_over.is_set():
            leaves = number < self.come_back and not self.is_ending
            stays = random.uniform(*STAYS) if leaves else float("inf")
            since = await self.visit(number, since, time.monotonic() + stays)
            if not self.is_over.is_set():
                self.returns += 1
                await asyncio.sleep(random.uniform(*AWAY))

    async def visit(self, number: int, since: str | None, until: float) -> str | None:
        async with connect(
            self.address, additional_headers=self.headers, proxy=None, compression=None,
            max_size=None,
        ) as socket:  # fmt: skip
            wish = {"type": "subscribe", "topics": ["jobs"]}
            await socket.send(json.dumps(wish if since is None else {**wish, "since": since}))
            while not self.is_over.is_set() and (self.is_ending or time.monotonic() < until):
                try:
                    text = await asyncio.wait_for(socket.recv(), 0.5)
                except TimeoutError:
                    continue
                since = self.take(number, text) or since
        return since

    def take(self, number: int, text: str | bytes) -> str | None:
        """Count one frame."""
        now = time.time()
        self.frames[number] += 1
        known = self._decoded.get(text)
        if known is None:
            frame = read(text)
            known = frame, [self.places.setdefault(t.id, len(self.places)) for t in frame.changes]
            if len(self._decoded) > 200:
                self._decoded.clear()
            self._decoded[text] = known
        frame, places = known
        self.refetches += frame.type == "refetch"
        if frame.type == "subscribed":
            self.ready.add(number)
        if len(self.ready) >= self.clients:
            self.is_ready.set()
        seen = self.seen[number]
        for told, place in zip(frame.changes, places, strict=True):
            if place >= len(seen):
                seen.extend(bytes(place + 1000 - len(seen)))
            self.doubles += seen[place]
            seen[place] = 1
            self.told += 1
            if number >= self.come_back:  # whose being away is no delay
                self.latencies[int(now * 1000) - int(told.id[:12], 16)] += 1
        return frame.seq

    def result(self, asked: Sequence[str], seconds: float) -> dict[str, Any]:
        places = [self.places.get(job, 1 << 60) for job in asked]
        missed = [
            (client, number)
            for client, seen in enumerate(self.seen)
            for number, place in enumerate(places)
            if place >= len(seen) or not seen[place]
        ]
        return {
            "missed": len(missed), "missed_by": missed[:20], "refetches": self.refetches,
            "returns": self.returns,
            "told": self.told, "doubles": self.doubles,
            "frames_per_second_mean": sum(self.frames) / len(self.frames) / seconds,
            "frames_per_second_most": max(self.frames) / seconds,
            "latencies": dict(self.latencies),
        }  # fmt: skip


@commands.command(hidden=True)
def crowd(address: str, token: str, clients: int, share: float) -> None:
    """Clients of one process; it is told on its input when the changes are over."""
    asyncio.run(_crowd(address, token, clients, share))


async def _crowd(address: str, token: str, clients: int, share: float) -> None:
    here = Crowd(address, token, clients, share)
    async with asyncio.TaskGroup() as tasks:
        for number in range(clients):
            tasks.create_task(here.client(number))
            await asyncio.sleep(0.005)
        await here.is_ready.wait()
        print(json.dumps({"ready": len(here.ready)}), flush=True)
        began = time.monotonic()
        asked = json.loads(await asyncio.to_thread(sys.stdin.readline))
        here.is_ending = True
        await asyncio.sleep(LAST_LOOK)
        passed = time.monotonic() - began
        here.is_over.set()
    print(json.dumps(here.result(asked["ids"], passed)), flush=True)


@contextmanager
def started(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A Python process, ended in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=CHECKOUT, text=True, stdout=subprocess.PIPE,
        **options,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


async def ask(ob: Onbeat, rate: float, seconds: float, pid: int) -> tuple[list[str], list[float]]:
    """Ask for so many jobs a second; their ids, and the memory of `pid` in MiB as it goes."""
    asked: list[str] = []
    memory: list[float] = []
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (rest := due - time.monotonic()) > 0:
            await asyncio.sleep(rest)
        if number % int(rate * 5) == 0:
            memory.append(resident(pid))
        asked.append((await ob.jobs.enqueue("noop", must_be_known=False)).id)
    return asked, [*memory, resident(pid)]


def resident(pid: int) -> float:
    """MiB of memory that the process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


async def set_up(url: str) -> str:
    """Make the schema; a token that may read jobs."""
    async with Onbeat(url) as ob:
        made = await ob.tokens.create("crowd", frozenset({Permission.JOBS_READ}), by="benchmark")
        return made.text


def measure(
    url: str, *, clients: int, rate: float, seconds: float, processes: int, share: float
) -> dict[str, Any]:
    """What `clients` were told of `rate` changes a second."""
    asyncio.run(Onbeat(url).migrate())
    token = asyncio.run(set_up(url))
    with ExitStack() as stack:
        api = stack.enter_context(
            started("onbeat", "api", "--db", url, "--port", "0", "--json",
                    stderr=subprocess.DEVNULL)
        )  # fmt: skip
        assert api.stdout is not None
        address = json.loads(api.stdout.readline())["ready"]["api"]
        before = resident(api.pid)
        here = "benchmarks.conditions.live"
        crowds = [
            stack.enter_context(
                started(here, "crowd", address, token, str(clients // processes), str(share),
                        stdin=subprocess.PIPE)
            )
            for _ in range(processes)
        ]  # fmt: skip
        for each in crowds:
            assert each.stdout is not None
            json.loads(each.stdout.readline())
        spent, began = processor_seconds(api.pid), time.monotonic()
        asked, memory = asyncio.run(produce(url, rate, seconds, api.pid))
        used = (processor_seconds(api.pid) - spent) / (time.monotonic() - began)
        results = [finish(each, asked) for each in crowds]
    latencies: Counter[int] = Counter()
    for each in results:
        latencies.update({int(key): count for key, count in each.pop("latencies").items()})
    told: dict[str, Any] = {
        key: max(each[key] for each in results)
        if key.startswith("frames")
        else sum((each[key] for each in results), start=[] if key == "missed_by" else 0)
        for key in results[0]
    }
    return {
        "engine": url.partition(":")[0], "clients": clients, "asked": len(asked),
        "asked_per_second": len(asked) / seconds, **told,
        **{f"latency_ms_p{share}": quantile(latencies, share / 100) for share in (50, 95, 99)},
        "latency_ms_most": max(latencies, default=0), "api_cpu_share": used,
        "memory_mib_without_clients": before, "memory_mib": memory,
    }  # fmt: skip


async def produce(
    url: str, rate: float, seconds: float, pid: int
) -> tuple[list[str], list[float]]:  # fmt: skip
    async with Onbeat(url) as ob:
        return await ask(ob, rate, seconds, pid)


def finish(crowd: subprocess.Popen[str], ids: Sequence[str]) -> dict[str, Any]:
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    crowd.stdin.write(json.dumps({"ids": ids}) + "\n")
    crowd.stdin.flush()
    found: dict[str, Any] = json.loads(crowd.stdout.readline())
    return found


def quantile(counted: Counter[int], share: float) -> int:
    left = share * sum(counted.values())
    for value in sorted(counted):
        left -= counted[value]
        if left <= 0:
            return value
    return 0


@commands.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    clients: Annotated[int, typer.Option(help="WebSocket clients.")] = 500,
    rate: Annotated[float, typer.Option(help="Changes a second.")] = 200,
    seconds: Annotated[float, typer.Option(help="For how long.")] = 60,
    processes: Annotated[int, typer.Option(help="Processes of clients.")] = 2,
    share: Annotated[float, typer.Option(help="How many of them leave and come back.")] = 0.1,
    engine: Annotated[str, typer.Option(help="sqlite, postgresql, or both.")] = "both",
) -> None:
    """Measure; ends with 1 where a change was missed, or more was sent than is promised."""
    if context.invoked_subcommand is not None:
        return
    asked = {"clients": clients, "rate": rate, "seconds": seconds, "processes": processes,
             "share": share}  # fmt: skip
    results = []
    if engine in ("sqlite", "both"):
        with tempfile.TemporaryDirectory(prefix="onbeat-live-") as folder:
            results.append(measure(f"sqlite:///{folder}/live.db", **asked))  # type: ignore[arg-type]
    if engine in ("postgresql", "both"):
        with launch(durable=True) as server:
            results.append(measure(server.create_database("live"), **asked))  # type: ignore[arg-type]
    for result in results:
        print(json.dumps(result))
    is_kept = all(
        each["missed"] == 0 and each["refetches"] == 0 and each["frames_per_second_most"] <= 4
        for each in results
    )
    raise typer.Exit(not is_kept)


if __name__ == "__main__":
    commands()
