"""What goes wrong with a store, each as a context manager: it begins, lasts, and has ended."""

from __future__ import annotations

import fcntl
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from onbeat.store.postgres.connections import HOT_SECONDS
from tests.servers.postgres import PostgresServer
from tests.servers.relay import Relay

AGAIN_AFTER = 0.2
"""Seconds between two blows of a fault that strikes again and again."""

CHUNK = bytes(64 * 1024)


@dataclass(frozen=True)
class Ground:
    """What faults work on: a server and a relay before it, or a file."""

    url: str
    """The database, by no detour."""
    server: PostgresServer | None = None
    relay: Relay | None = None

    @property
    def file(self) -> Path:
        """The SQLite database."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def postgres(self) -> PostgresServer:
        """The server; faults of PostgreSQL are given one."""
        assert self.server is not None
        return self.server

    @property
    def network(self) -> Relay:
        """The relay; faults of the network are given one."""
        assert self.relay is not None
        return self.relay


Strike = Callable[[Ground], AbstractContextManager[None]]


@contextmanager
def stopped(ground: Ground) -> Iterator[None]:
    """The server is stopped in good order, and started."""
    ground.postgres.stop("fast")
    try:
        yield
    finally:
        ground.postgres.start()


@contextmanager
def crashed(ground: Ground) -> Iterator[None]:
    """The server crashes, and is started later."""
    ground.postgres.stop("immediate")
    try:
        yield
    finally:
        ground.postgres.start()


@contextmanager
def restarted(ground: Ground) -> Iterator[None]:
    """The server crashes and is there again at once."""
    ground.postgres.restart("immediate")
    yield


@contextmanager
def terminated(ground: Ground) -> Iterator[None]:
    """The server ends all connections, again and again."""
    database = ground.url.rpartition("/")[2]
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with (
        psycopg.connect(ground.postgres.url(), autocommit=True) as connection,
        again_and_again(lambda: connection.execute(query, [database])),
    ):
        yield


@contextmanager
def cut(ground: Ground) -> Iterator[None]:
    """The network resets all connections, again and again."""
    with again_and_again(ground.network.cut):
        yield


@contextmanager
def held(ground: Ground) -> Iterator[None]:
    """The network passes nothing on, and later all that has come meanwhile."""
    ground.network.hold()
    yield
    ground.network.release()


@contextmanager
def forgotten(ground: Ground) -> Iterator[None]:
    """The network passes nothing on, and later only what comes on new connections.

    An old connection is found dead at a statement's deadline: until then the fault has not ended,
    whatever the network does.
    """
    found_at = time.monotonic() + HOT_SECONDS
    ground.network.hold()
    yield
    ground.network.forget_and_release()
    time.sleep(max(0.0, found_at - time.monotonic()))


@contextmanager
def slowed(ground: Ground, each_way: float) -> Iterator[None]:
    """The network takes `each_way` seconds to pass anything on."""
    ground.network.delay(each_way)
    yield
    ground.network.delay(0)


@contextmanager
def locked(ground: Ground, begin: str) -> Iterator[None]:
    """A program that knows nothing of the lock file holds a write transaction."""
    connection = sqlite3.connect(ground.file, timeout=30, isolation_level=None)
    try:
        connection.execute(begin)
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@contextmanager
def lock_file_held(ground: Ground) -> Iterator[None]:
    """A process, this one, holds the lock file and does not let go."""
    with ground.file.with_name(ground.file.name + ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def disk_full(ground: Ground) -> Iterator[None]:
    """Something fills the disk, and whatever is given free meanwhile."""
    filler = ground.file.with_name("filler")
    with again_and_again(lambda: fill(filler)):
        yield
    filler.unlink()


def fill(path: Path) -> None:
    """Let a file grow until there is no more room."""
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while file.write(CHUNK):
            pass


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own, in memory. Raises CalledProcessError where mounting is not permitted."""
    folder.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


@contextmanager
def again_and_again(blow: Callable[[], object]) -> Iterator[None]:
    """Strike at once, and every 0.2 s from a thread of its own; what that raises is raised."""
    ended = threading.Event()

    def keep_on() -> None:
        while not ended.wait(AGAIN_AFTER):
            blow()

    blow()
    with ThreadPoolExecutor(1) as thread:
        striking = thread.submit(keep_on)
        try:
            yield
        finally:
            ended.set()
        striking.result()


@dataclass(frozen=True)
class Fault:
    """A fault, and what is to be expected of it."""

    name: str
    strike: Strike
    is_brief: bool = False
    """Whether it is over as soon as it has begun."""
    stops_work: bool = True
    """Whether nothing can be done while it lasts; if something is, it did not strike."""
    needs_relay: bool = False
    parts_one: bool = False
    """Whether it comes between the store and one worker alone."""
    rescues: bool = False
    """Whether it lasts until jobs are rescued: theirs is a worker that could not say it lived."""
    small_disk: bool = False
    only_long: bool = False
    """Whether the short form leaves it out: for its terms, or because another is much the same."""
    terms: dict[str, str] = field(default_factory=dict)
    """Settings of the short form that differ from those of other faults."""


PATIENT = {"ONBEAT_HEARTBEAT": "2s", "ONBEAT_RESCUE_AFTER": "6s"}
"""A term must hold some round trips; 1 s is too short for a store that takes 0.6 s for each."""

OF_POSTGRESQL = (
    Fault("stopped", stopped),
    Fault("crashed", crashed),
    Fault("crashed, restarted at once", restarted, is_brief=True),
    Fault("backends terminated", terminated, stops_work=False),
    Fault("connections cut", cut, stops_work=False, needs_relay=True),
    Fault("black hole", held, needs_relay=True),
    Fault("black hole, old connections dead", forgotten, needs_relay=True),
    Fault(
        "slow, 0.6 s there and back", partial(slowed, each_way=0.3),
        stops_work=False, needs_relay=True, terms=PATIENT,
    ),
    Fault(
        "slow, 2 s there and back", partial(slowed, each_way=1.0),
        stops_work=False, needs_relay=True, only_long=True,
    ),
    Fault("one worker cut off", held, needs_relay=True, parts_one=True, rescues=True),
    Fault(
        "one worker's connections dead", forgotten,
        is_brief=True, needs_relay=True, parts_one=True, terms=PATIENT,
    ),
)  # fmt: skip

OF_SQLITE = (
    Fault("write transaction elsewhere", partial(locked, begin="BEGIN IMMEDIATE")),
    Fault(
        "exclusive transaction elsewhere", partial(locked, begin="BEGIN EXCLUSIVE"), only_long=True
    ),
    Fault("lock file held", lock_file_held),
    Fault("disk full", disk_full, small_disk=True),
)
