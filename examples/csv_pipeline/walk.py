"""The steps, row by row: what is done, and what must be seen of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select

from examples.csv_pipeline.app import ob
from examples.csv_pipeline.batch_server import BatchServer
from examples.csv_pipeline.fleet import APP, SERVICES, Fleet
from examples.csv_pipeline.generate import TRUTH
from examples.csv_pipeline.progress import Progress, progress
from examples.csv_pipeline.tables import imports, sessions
from examples.showing.board import Board

ADMIN = "/api/admin/schedulers"
LOOK_EVERY = 0.2
INSTANCES = frozenset(("web", "one", "two"))
ASKED = (200, 202)
"""202 while the one that was killed is yet heard of: it does not say that it has paused."""
STAYS_SO = 3.0
"""Seconds in which a paused service must not do what it would do in one."""
NEW = b"session_id,started_at,message\nnew-%d,2027-04-01T08:00:00+00:00,Where is my parcel?\n"


@dataclass(slots=True)
class Walk:
    """What the steps need."""

    http: aiohttp.ClientSession
    token: str
    folder: Path
    fleet: Fleet
    board: Board
    server: BatchServer
    added: dict[str, int] = field(default_factory=dict)
    """Files that came during the walk, by company."""

    async def ask(self, method: str, path: str, said: Any = None, *, known: bool = True) -> Any:
        """Status and JSON of an answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if known else {}
        async with self.http.request(method, path, json=said, headers=headers) as answer:
            is_json = answer.content_type.endswith("json")
            return answer.status, await (answer.json() if is_json else answer.text())

    async def importing(self) -> set[str]:
        """The instances whose csv-import runs; none where the API cannot say."""
        status, said = await self.ask("GET", ADMIN)
        return {
            each["process"]["instance"]
            for each in (said["data"] if status == 200 else [])
            if each["kind"] == "csv-import" and each["status"].lower() == "running"
        }

    async def progress(self) -> list[Progress]:
        """Of all companies."""
        return await (await ob.store()).read(progress)

    async def imports(self) -> list[Any]:
        """What is on record of them."""
        return await (await ob.store()).read(
            lambda connection, now: list(connection.execute(select(imports)))
        )

    async def corrected(self) -> bool:
        """Whether each session that was corrected says what it was corrected to."""
        asked = select(sessions.c.company, sessions.c.id, sessions.c.message)
        found = {
            (each.company, each.id): each.message
            for each in await (await ob.store()).read(
                lambda connection, now: list(connection.execute(asked))
            )
        }
        return all(
            found.get((company, name)) == message
            for company, said in self.truth.items()
            for name, message in said["corrected"].items()
        )

    def add(self) -> None:
        """Another file for each company."""
        for name in self.truth:
            number = self.added[name] = self.added.get(name, 0) + 1
            hidden = self.folder / name / f".new-{number}.part"
            hidden.write_bytes(NEW % number)
            hidden.rename(self.folder / name / f"new-{number}.csv")

    @property
    def truth(self) -> dict[str, dict[str, Any]]:
        """What the generator says must come of its files."""
        found: dict[str, dict[str, Any]] = json.loads((self.folder / TRUTH).read_text())
        return found

    async def settled(self) -> bool:
        """Whether each file that there is has been seen to."""
        found = {each.company: each for each in await self.progress()}
        return all(
            name in found and sum(found[name].files.values()) == self._files(name)
            for name in self.truth
        )

    def _files(self, company: str) -> int:
        said = self.truth[company]
        made = int(said["files"]) + int(said["duplicates"]) + len(said["broken"])
        return made + self.added.get(company, 0)

    async def finished(self) -> bool:
        """Whether each session has been judged."""
        return await self.settled() and all(
            set(each.sessions) == {"analysed"} and "waiting" not in each.rows
            for each in await self.progress()
        )


async def walk_all(walk: Walk) -> None:
    """All steps."""
    await _listed(walk)
    await _three_at_once(walk)
    await _shared_out(walk)
    await _killed(walk)
    await _paused(walk)
    await _probe(walk)
    await _ends(walk)
    await _batches(walk)


async def _listed(walk: Walk) -> None:
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "onbeat", "run", "--list", "--json", "--app", APP],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = [each["id"] for each in json.loads(ran.stdout)["services"]]
    walk.board.note("C3", "onbeat run --list names the services", seen=found == list(SERVICES))


async def _three_at_once(walk: Walk) -> None:
    async def all_there() -> bool:
        return await walk.importing() == INSTANCES

    walk.board.note("C5", "three instances run at once", seen=await walk.board.sees(all_there))
    seen = await walk.board.sees(walk.settled)
    walk.board.note("C7", "each file is seen to, from folders and over HTTP", seen=seen)
    found = await walk.imports()
    contents = {(each.company, each.sha256) for each in found}
    begun = {each.begun_by for each in found}
    walk.board.tell("", f"{len(found)} contents imported by {', '.join(sorted(begun))}")
    is_once = len(contents) == len(found) == sum(x["files"] for x in walk.truth.values())
    walk.board.note("C5", "each content is imported once", seen=is_once)


async def _shared_out(walk: Walk) -> None:
    """New files, until each instance has imported some: one may have been late at first."""

    async def each_has_some() -> bool:
        if {each.begun_by for each in await walk.imports()} >= INSTANCES:
            return True
        if await walk.settled():
            walk.add()
        return False

    seen = await walk.board.sees(each_has_some)
    walk.board.note("C5", "each instance imports for some companies", seen=seen)


async def _killed(walk: Walk) -> None:
    walk.fleet.kill("two")
    before = {each.id for each in await walk.imports()}
    walk.add()
    began = time.monotonic()
    seen = await walk.board.sees(walk.settled)
    walk.board.tell("", f"its companies were imported {time.monotonic() - began:.1f} s later")
    new = [each for each in await walk.imports() if each.id not in before]
    seen = seen and len(new) >= len(walk.truth) and "two" not in {each.ended_by for each in new}
    walk.board.note("C5", "what a killed instance had is taken up by the others", seen=seen)


async def _paused(walk: Walk) -> None:
    status, _ = await walk.ask("POST", ADMIN, {"action": "pause", "id": "csv-import"})
    walk.add()
    await asyncio.sleep(STAYS_SO)
    rests = not await walk.settled()
    going_on = await walk.importing() - {"two"}  # which is yet heard of
    seen = status in ASKED and rests and not going_on
    walk.board.note("C6", "paused over HTTP, no instance imports", seen=seen)
    status, _ = await walk.ask("POST", ADMIN, {"action": "resume", "id": "csv-import"})
    seen = status in ASKED and await walk.board.sees(walk.settled)
    walk.board.note("C6", "resumed over HTTP, they go on", seen=seen)
    status, _ = await walk.ask("POST", ADMIN, {"action": "pause", "id": "csv-import"}, known=False)
    walk.board.note("C6", "a stranger pauses nothing", seen=status == 401)


async def _probe(walk: Walk) -> None:
    async def healthy() -> bool:
        status, said = await walk.ask("GET", f"{ADMIN}/health", known=False)
        return status == 200 and said["healthy"] is True and set(SERVICES) <= {
            name.partition("@")[0] for name in said["details"]
        }  # fmt: skip

    walk.board.note(
        "C6", "the probe needs no token, and knows all", seen=await walk.board.sees(healthy)
    )
    _, said = await walk.ask("GET", "/metrics", known=False)
    seen = all(f'service="{each}"' in said for each in SERVICES)
    walk.board.note("C8", "/metrics counts each service", seen=seen)


Wanted = Callable[[dict[str, Any], int], int]
Came = Callable[[Progress], int]
OUTCOMES: tuple[tuple[str, Wanted, Came], ...] = (
    ("sessions are those of the files", lambda said, added: said["sessions"] + added,
     lambda of: sum(of.sessions.values())),
    ("bad rows are refused, each with its reason", lambda said, _: said["refused"],
     lambda of: of.rows.get("refused", 0)),
    ("what comes twice is told by its content", lambda said, _: said["duplicates"],
     lambda of: of.files.get("duplicate", 0)),
    ("a broken file stops no other", lambda said, _: len(said["broken"]),
     lambda of: of.files.get("broken", 0)),
)  # fmt: skip
"""What is promised of a company, by what the generator says, and by what came of it."""


async def _ends(walk: Walk) -> None:
    seen = await walk.board.sees(walk.finished)
    walk.board.note("C7", "each row becomes a session, and each is judged", seen=seen)
    found = {each.company: each for each in await walk.progress()}
    for promise, wanted, came in OUTCOMES:
        wants = {name: wanted(said, walk.added[name]) for name, said in walk.truth.items()}
        is_so = {name: came(of) for name, of in found.items()}
        if is_so != wants:
            walk.board.tell("", f"{is_so} instead of {wants}")
        walk.board.note("C7", promise, seen=is_so == wants)
    latest = await walk.corrected()
    walk.board.note("C7", "late corrections are taken, in whatever order", seen=latest)


async def _batches(walk: Walk) -> None:
    ended = {name: n for each in await walk.progress() for name, n in each.batches.items()}
    failed = len(walk.server.failed)
    walk.board.tell("", f"{len(walk.server.batches)} batches; {failed} requests failed at first")
    seen = bool(ended) and failed > 0 and set(ended) == {"ended"}
    walk.board.note("C7", "what fails in a batch is asked again in another", seen=seen)
