"""What goes wrong in a run, by name, and how it is made to."""

from __future__ import annotations

import fcntl
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.chaos import processes
from tests.chaos.fleet import LEASE, Fleet, Member
from tests.servers.postgres import PostgresServer


@dataclass
class Ground:
    """What faults work on."""

    fleet: Fleet
    luck: random.Random
    server: PostgresServer | None
    database: str
    file: Path | None
    down: Path
    """While this is there, a dependency of some jobs is down."""
    outage: float
    """Seconds for which it is, at most."""
    outages: list[tuple[float, float]]
    """When it was."""

    def worker(self) -> Member | None:
        """One that runs jobs and does not stand still."""
        return self._one(lambda member: member.has_worker)

    def scheduler(self) -> Member | None:
        """One that makes jobs of schedules."""
        return self._one(lambda member: member.shape != "worker")

    def _one(self, fits: Callable[[Member], bool]) -> Member | None:
        fitting = [each for each in self.fleet.members if fits(each) and not each.stopped]
        return self.luck.choice(fitting) if fitting else None


def kill_worker(ground: Ground) -> bool:
    """A worker is killed; its jobs' own processes are left to the guard."""
    return _kill(ground, ground.worker())


def kill_scheduler(ground: Ground) -> bool:
    """A scheduler is killed."""
    return _kill(ground, ground.scheduler())


def kill_all(ground: Ground) -> bool:
    """Everything is killed at once."""
    for member in ground.fleet.members:
        ground.fleet.kill(member)
    return True


def kill_client(ground: Ground) -> bool:
    """The client is killed, and does not know what of its last batch was stored."""
    client = ground.fleet.client
    if client is None:
        return False
    client.kill()
    return True


def stop_machine(ground: Ground) -> bool:
    """A worker and all below it stand still for longer than the lease, and go on."""
    return _stop(ground, alone=False)


def stop_worker(ground: Ground) -> bool:
    """A worker's process alone stands still; its heart may beat on, and its jobs' processes run."""
    return _stop(ground, alone=True)


def kill_child(ground: Ground) -> bool:
    """The process a job runs in is killed, and its worker lives."""
    return _kill_below(ground, "runners.child")


def kill_heart(ground: Ground) -> bool:
    """A worker's heart is killed, and the worker lives."""
    return _kill_below(ground, "worker.heart")


def cut_connections(ground: Ground) -> bool:
    """All connections to the database are ended by the server."""
    if ground.server is None:
        return False
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(ground.server.url(), autocommit=True) as connection:
        connection.execute(ends, [ground.database])
    return True


def crash_server(ground: Ground) -> bool:
    """The database server crashes and comes back."""
    if ground.server is None:
        return False
    # Here and not in a thread: Linux ends the server when the thread that started it ends.
    ground.server.restart("immediate")
    return True


def hold_lock(ground: Ground) -> bool:
    """Another program holds the lock file for some seconds."""
    if ground.file is None:
        return False
    path = ground.file.with_name(ground.file.name + ".lock")

    def hold(seconds: float) -> None:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            time.sleep(seconds)

    threading.Thread(target=hold, args=(ground.luck.uniform(0.5, 3),)).start()
    return True


def hold_write(ground: Ground) -> bool:
    """A program that knows nothing of the lock file holds SQLite's own for some seconds."""
    file = ground.file
    if file is None:
        return False

    def hold(seconds: float) -> None:
        connection = sqlite3.connect(file, timeout=5, isolation_level=None)
        with suppress(sqlite3.OperationalError):
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")
        connection.close()

    threading.Thread(target=hold, args=(ground.luck.uniform(0.5, 3),)).start()
    return True


def lose_dependency(ground: Ground) -> bool:
    """What some jobs need is down for some seconds."""
    if ground.down.exists():
        return False

    def lose(seconds: float) -> None:
        began = time.monotonic()
        ground.down.touch()
        time.sleep(seconds)
        ground.outages.append((began, time.monotonic()))
        ground.down.unlink()

    seconds = ground.luck.uniform(0.7, 1) * ground.outage
    threading.Thread(target=lose, args=(seconds,)).start()
    return True


Fault = Callable[[Ground], bool]

WEIGHTS: dict[Fault, int] = {
    kill_worker: 6,
    kill_scheduler: 4,
    kill_all: 1,
    kill_client: 2,
    stop_machine: 4,
    stop_worker: 2,
    kill_child: 4,
    kill_heart: 2,
    lose_dependency: 2,
}
"""How often each happens, as parts of all."""

OF_POSTGRESQL: dict[Fault, int] = {cut_connections: 4, crash_server: 2}
OF_SQLITE: dict[Fault, int] = {hold_lock: 3, hold_write: 3}


def strike(ground: Ground) -> str | None:
    """Let one of them happen; which, or None when it could not."""
    weights = WEIGHTS | (OF_SQLITE if ground.server is None else OF_POSTGRESQL)
    [fault] = ground.luck.choices(list(weights), list(weights.values()))
    return fault.__name__.replace("_", " ") if fault(ground) else None


def _kill(ground: Ground, member: Member | None) -> bool:
    if member is None:
        return False
    ground.fleet.kill(member)
    return True


def _stop(ground: Ground, *, alone: bool) -> bool:
    member = ground.worker()
    if member is None:
        return False
    ground.fleet.stop(member, ground.luck.uniform(1.2, 2.5) * LEASE, alone=alone)
    return True


def _kill_below(ground: Ground, part: str) -> bool:
    for member in ground.fleet.members:
        if not member.has_worker:
            continue
        below = processes.descendants(member.process.pid)
        fitting = [pid for pid in below if part in processes.command(pid)]
        if fitting:
            processes.send([ground.luck.choice(fitting)], signal.SIGKILL)
            return True
    return False
