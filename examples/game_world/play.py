"""The demo from start to end: worlds live for some days, their server is away for a while, and what
they have become is held to what the laws say.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec

from examples.game_world.game import api, campaign_sync, ob
from examples.game_world.generate import BEGIN, world
from examples.game_world.rules import World, in_order, lived
from onbeat import CallError, CallHeldBack, InvalidInput, State

START_SECONDS = 20.0
LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the demo is told."""

    days: int
    """Of world time."""
    seconds: float
    """Of real time in which they pass; what is left to do then takes its own time."""
    seed: int = 1
    campaigns: int = 2
    effects: int = 60
    """In each campaign."""
    outage: float = 2.0
    """Seconds for which the server of the worlds is away, half way through; 0 for not at all."""
    patience: float = 120.0
    """Seconds that what is left to do may take."""


class WorldServer:
    """The server of the worlds, a process of its own, which may be killed and started again."""

    def __init__(self, state: Path, port: int) -> None:
        """On a file, at a port."""
        self._state, self._port = state, port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and return when it answers."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "examples.game_world.world", str(self._state),
            env={**os.environ, "WORLD_PORT": str(self._port)},
            start_new_session=True,  # Ctrl-C is for the demo
        )  # fmt: skip
        async with asyncio.timeout(START_SECONDS):
            await _until(self._answers)

    async def kill(self) -> None:
        """End it at once, whatever it does."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True


@asynccontextmanager
async def running_world(state: Path, port: int) -> AsyncIterator[WorldServer]:
    """Run the server until the block ends."""
    server = WorldServer(state, port)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()


async def run(options: Options, server: WorldServer) -> int:
    """Run the demo; the exit code."""
    names = [f"c{number + 1}" for number in range(options.campaigns)]
    young = [world(name, options.seed, options.days, options.effects) for name in names]
    await ob.migrate()
    async with ob, ob.running():
        began = time.monotonic()
        for each in young:
            await api.post("/campaigns", body=msgspec.json.encode(each), headers=_JSON)
            handle = await campaign_sync.enqueue(each.campaign_id)
            await handle.result(timeout="30s")
        await _live(names, options, server)
        await _settle(options.patience)
        took = time.monotonic() - began
        return await _judge(young, options, took)


async def _live(names: Sequence[str], options: Options, server: WorldServer) -> None:
    began, away = time.monotonic(), asyncio.create_task(_outage(options, server))
    for day in range(1, options.days + 1):
        to = BEGIN + timedelta(days=day)
        for name in names:
            await advance(name, to)
            await tell_time(name, to)
        await asyncio.sleep(began + day * options.seconds / options.days - time.monotonic())
    await away
    for name in names:
        await _until(partial(tell_time, name, BEGIN + timedelta(days=options.days)))


async def tell_time(name: str, to: datetime) -> bool:
    """Have the server's own time follow, for the sweeps; whether it has heard. Where it has a Redis
    it is the server that says so.
    """
    said = {"to": to.isoformat()}
    try:
        await api.post(f"/campaigns/{name}/advance", json=said, idempotency_key=f"{name}/{to}")
    except (CallError, CallHeldBack):  # it is away, or was until now
        return False
    return True


async def advance(name: str, to: datetime) -> None:
    """Move a world's clock; whatever becomes due on the way becomes a job."""
    with suppress(InvalidInput):  # a sweep has moved it there already
        done = await ob.clocks.advance(f"campaign/{name}", to=to)
        while not done.is_done:
            done = await ob.clocks.advance(f"campaign/{name}", to=done.goal_at)


async def _outage(options: Options, server: WorldServer) -> None:
    if options.outage:
        await asyncio.sleep(options.seconds / 2)
        await server.kill()
        _say(f"the server of the worlds is away for {options.outage:g} s")
        await asyncio.sleep(options.outage)
        await server.start()


async def _settle(patience: float) -> None:
    """Wait until nothing is left to do."""
    async with asyncio.timeout(patience):
        await _until(_is_idle)


async def _is_idle() -> bool:
    counts = await ob.jobs.counts()
    return not any(count.number for state, count in counts.items() if not state.is_final)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await condition():
            return
        await asyncio.sleep(LOOK_EVERY)


async def _judge(young: Sequence[World], options: Options, took: float) -> int:
    """Tell what happened; 0 if all is as the laws say."""
    end, wrong = BEGIN + timedelta(days=options.days), []
    for each in young:
        answer = await api.get(f"/campaigns/{each.campaign_id}/state", fresh=True)
        came = msgspec.json.decode(answer.body, type=World)
        wrong += _differences(lived(each, end), came)
        _tell(came)
    asked = (await api.get("/executions", fresh=True)).json()
    wanted = sum(effect.execute_at <= end for each in young for effect in each.effects)
    if asked["changed"] != wanted:
        wrong.append(f"{wanted} effects were due, {asked['changed']} were executed")
    counts = await ob.jobs.counts()
    done, failed = counts[State.COMPLETED].number, counts[State.FAILED].number
    if failed:
        wrong.append(f"{failed} jobs have failed")
    _say(f"effects: {wanted} due, {asked['asked']} asked for, {asked['changed']} executed")
    _say(f"jobs: {done} completed, {failed} failed")
    _say(f"{options.days} days of {len(young)} worlds in {took:.1f} s")
    for what in wrong:
        _say(f"wrong: {what}")
    return 1 if wrong else 0


def _differences(wanted: World, came: World) -> list[str]:
    pairs = ((wanted.settlements, came.settlements), (wanted.structures, came.structures),
             (wanted.events, came.events), (wanted.effects, came.effects))  # fmt: skip
    return [
        f"{each.id} differs from what the laws say"
        for left, right in pairs
        for each in {*in_order(left)} ^ {*in_order(right)}
    ]


def _tell(came: World) -> None:
    towns = ", ".join(f"{each.population} at level {each.level}" for each in came.settlements)
    stand = sum(each.is_operational for each in came.structures)
    done = sum(each.is_completed for each in came.events)
    missed = sum(each.is_expired for each in came.events)
    _say(f"{came.campaign_id}: people {towns}; {stand} of {len(came.structures)} structures stand; "
         f"{done} events took place, {missed} were missed; state {digest(came)}")  # fmt: skip


def digest(came: World) -> str:
    """What a world has become, in a few letters."""
    return sha256(msgspec.json.encode(came)).hexdigest()[:16]


def _say(line: str) -> None:
    print(line, flush=True)


_JSON = {"Content-Type": "application/json"}
