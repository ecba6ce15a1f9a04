"""Starts the processes of an application, and compares what they did with what is on record."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, func, select

from onbeat.domain.jobs import JobId, NewJob
from onbeat.store.schema import attempts, finished, leases, ready
from onbeat.store.store import Store
from tests.forking import Forked, Program, Running

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0

FAST = {
    "ONBEAT_HEARTBEAT": "200ms",
    "ONBEAT_RESCUE_AFTER": "1s",
    "ONBEAT_SHUTDOWN_GRACE": "10s",
}
"""As in earnest, only sooner: the defaults are 5 s and 15 s."""


@dataclass(frozen=True)
class Effect:
    """A line of the ledger: what a job did outside of the store."""

    job: str
    token: int
    word: str = "-"
    at: float = 0.0
    worker: int = 0


@dataclass(frozen=True)
class Answered:
    """What a racer was told of one job it asked for."""

    key: str
    job: str
    is_new: bool
    began: float
    answered: float


class Crew:
    """The processes of one test, and the ledger they write."""

    def __init__(self, url: str, folder: Path, begin: Callable[..., Running] = Forked) -> None:
        """Work on the database at `url`."""
        self._begin = begin
        self.url = url
        self.ledger = folder / "ledger"
        self.errors = folder / "errors"
        self._running: list[Running] = []

    def start(self, *parts: str, env: Mapping[str, str] | None = None) -> Running:
        """Start a process, and wait until it is ready."""
        return self.start_program("tests.e2e.apps.crew", *parts, env=env)

    def start_program(
        self, module: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> Running:
        """Start a program that says when it is ready, and wait until it is."""
        process = self._launch(module, *arguments, env=env or {})
        assert _output(process).readline() == "ready\n", self.errors.read_text()
        return process

    def start_command(self, *arguments: str, env: Mapping[str, str] | None = None) -> Running:
        """Start a command of `onbeat`, and do not wait."""
        return self._launch("onbeat", *arguments, env=env or {})

    def start_racer(self, task: str, keys: int, rounds: int, env: Mapping[str, str]) -> Running:
        """Start a process that asks for jobs of `keys` keys when the file GO is there."""
        return self.start_program("tests.e2e.apps.racer", task, str(keys), str(rounds), env=env)

    def answers(self, racer: Running) -> list[Answered]:
        """What a racer was told, once it is through."""
        told = _output(racer).read()
        assert racer.wait() == 0, self.errors.read_text()
        return [Answered(*json.loads(line)) for line in told.splitlines()]

    def start_onbeat(self, *arguments: str, env: Mapping[str, str] | None = None) -> Running:
        """Start a process of the command `onbeat`, and wait until it is ready."""
        app = ("--app", "tests.e2e.apps.crew:ob", "--json")
        process = self._launch("onbeat", *arguments, *app, env=env or {})
        assert '"ready"' in _output(process).readline(), self.errors.read_text()
        return process

    def _launch(self, module: str, *arguments: str, env: Mapping[str, str]) -> Running:
        settings = {**FAST, "ONBEAT_DB": self.url, "LEDGER": str(self.ledger), **env}
        environment = {**os.environ, **settings}
        program = Program(module, arguments, ROOT, environment, is_strict=True)
        with self.errors.open("ab") as errors:
            process = self._begin(program, errors)
        self._running.append(process)
        return process

    def end(self) -> None:
        """Kill what is left."""
        for process in self._running:
            process.kill()
            process.wait()
            _output(process).close()

    def effects(self) -> list[Effect]:
        """What the jobs have noted so far, whole lines only."""
        if not self.ledger.exists():
            return []
        return [read_effect(line) for line in self.ledger.read_text().splitlines()]


def read_effect(line: str) -> Effect:
    """One line of the ledger."""
    job, token, word, at, worker = line.split()
    return Effect(job, int(token), word, float(at), int(worker))


@contextmanager
def crew(url: str, folder: Path, begin: Callable[..., Running] = Forked) -> Iterator[Crew]:
    """A crew that is killed at the end."""
    made = Crew(url, folder, begin)
    try:
        yield made
    finally:
        made.end()


@dataclass(frozen=True)
class Tried:
    """An attempt on record."""

    job: str
    token: int
    outcome: str


async def enqueue(store: Store, count: int, task: str, args: bytes = b"{}") -> list[JobId]:
    """Ask for jobs."""
    jobs = [NewJob(id=identity, task=task, args=args) for identity in store.ids.many(count)]
    await store.enqueue(jobs)
    return [job.id for job in jobs]


async def outcomes(store: Store) -> Counter[str]:
    """How many jobs ended how."""
    return await store.read(lambda connection, _: _outcomes(connection))


def _outcomes(connection: Connection) -> Counter[str]:
    query = select(finished.c.outcome, func.count()).group_by(finished.c.outcome)
    return Counter({str(row[0]): int(row[1]) for row in connection.execute(query)})


async def tried(store: Store) -> list[Tried]:
    """All attempts on record."""
    rows = await store.read(
        lambda connection, _: connection.execute(
            select(attempts.c.job, attempts.c.token, attempts.c.outcome)
        ).all()
    )
    return [Tried(str(row.job).replace("-", ""), row.token, row.outcome) for row in rows]


async def left_over(store: Store) -> tuple[int, int]:
    """How many jobs still run or wait."""
    return await store.read(
        lambda connection, _: (
            connection.scalar(select(func.count()).select_from(leases)) or 0,
            connection.scalar(select(func.count()).select_from(ready)) or 0,
        )
    )


def _output(process: Running) -> IO[str]:
    assert process.stdout is not None
    return process.stdout
