"""The processes: a worker in each region, the function that a cron calls, and one that stays."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
APP = "examples.monitors.regions.app:ob"
FUNCTION = "examples.monitors.regions.api.index:app"
REGIONS = ("eu", "us", "ap")
STOP_SECONDS = 8.0


class Crew:
    """Each process by its name; what it writes to stderr is in a file of that name."""

    def __init__(self, folder: Path, site: str) -> None:
        """Start them with our own settings, for a site at this address."""
        self.folder = folder
        self._site = site
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_worker(self, region: str) -> None:
        """A worker in a region: it serves the region's queue, and notices."""
        self._start(
            region, "onbeat", "worker", "--app", APP, "--region", region,
            "--queues", f"checks-{region},duty",
        )  # fmt: skip

    def start_function(self) -> str:
        """What a cron calls: no scheduler stays, and cycles run while it is called; its address."""
        port = str(free_port())
        self._start("function", "uvicorn", FUNCTION, "--port", port, "--lifespan", "off")
        return f"http://127.0.0.1:{port}"

    def start_home(self) -> str:
        """A scheduler that stays, a worker for its cycles, and the API; its address."""
        port = str(free_port())
        self._start(
            "home", "onbeat", "up", "--app", APP, "--queues", "dispatch", env={"ONBEAT_PORT": port}
        )
        return f"http://127.0.0.1:{port}"

    def _start(self, name: str, *command: str, env: Mapping[str, str] | None = None) -> None:
        settings = {**os.environ, "MONITORS_SITE": self._site, **(env or {})}
        with (self.folder / f"{name}.log").open("ab") as errors:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=settings,
                stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """End it without a word, as a power cut would."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def lines(self, name: str) -> list[dict[str, Any]]:
        """What a process has logged: one JSON object a line."""
        text = (self.folder / f"{name}.log").read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def end(self) -> None:
        """End all that run."""
        for each in self._running.values():
            each.terminate()
        for each in self._running.values():
            try:
                each.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()


@contextlib.contextmanager
def crew(site: str) -> Iterator[Crew]:
    """Whoever is started, ended at the end."""
    with tempfile.TemporaryDirectory(prefix="monitors-") as folder:
        made = Crew(Path(folder), site)
        try:
            yield made
        finally:
            made.end()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
