"""The processes of the fleet, each on its host, and the server they share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.hosts.app import QUEUES, REGIONS
from tests.hosts.network import Network, network
from tests.hosts.record import log_of
from tests.servers.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
DATABASE = "db"
"""The host of the server."""

HOSTS = (DATABASE, *REGIONS)
SLOTS = "4"
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Ground:
    """A network, and the server on one of its hosts."""

    network: Network
    server: PostgresServer


@contextmanager
def ground() -> Iterator[Ground]:
    """A network with a server; nothing is left of them. Raises NotPermitted."""
    with network(HOSTS) as made:
        server = PostgresServer(durable=True, address=made.address(DATABASE), trusted=made.range)
        try:
            with made.entered(DATABASE):
                server.start()
            yield Ground(made, server)
        finally:
            server.discard()


class Fleet:
    """Processes of `onbeat` on the hosts of the regions."""

    def __init__(self, on: Network, url: str, folder: Path, settings: Mapping[str, str]) -> None:
        """Start with none; all have `settings`."""
        self.errors = folder / "errors"
        self._network = on
        self._folder = folder
        self._settings = {**settings, "ONBEAT_DB": url, "ONBEAT_API": "false"}
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, parts: Sequence[str]) -> None:
        """Start these commands on the host of each region, and wait until all are ready."""
        started = [self._launch(host, part) for host in REGIONS for part in parts]
        for each in started:
            assert b'"ready"' in _output(each).readline(), self.errors.read_text()

    def stop(self) -> list[str]:
        """End all in good order; which did not end so."""
        gone = [each for each in self._running if each.poll() is not None]
        for each in self._running:
            each.terminate()
        codes = [each.wait(STOP_SECONDS) for each in self._running]
        wrong = [f"{len(gone)} processes ended by themselves"] if gone else []
        return [*wrong, f"processes ended with {codes}"] if any(codes) else wrong

    def end(self) -> None:
        """Kill what is left."""
        for each in self._running:
            each.kill()
            each.wait()
            _output(each).close()

    def _launch(self, host: str, part: str) -> subprocess.Popen[bytes]:
        own = {
            "ONBEAT_REGION": host,
            "ONBEAT_QUEUES": QUEUES[host],
            "ONBEAT_CONCURRENCY": SLOTS,
            "EFFECTS": str(log_of(self._folder, host)),
        }
        words = ("-W", "error", "-m", "onbeat", part, "--app", "tests.hosts.app:ob", "--json")
        with self.errors.open("ab") as errors:
            process = subprocess.Popen(
                self._network.command(host, sys.executable, *words),
                cwd=ROOT,
                env={**os.environ, **self._settings, **own},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._running.append(process)
        return process


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout
