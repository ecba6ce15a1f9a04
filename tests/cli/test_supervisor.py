"""What systemd is told by the protocol of sd_notify(3): a process is ready, lives, and ends."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from onbeat.cli.supervisor import Supervisor
from tests.cli.running import start


class Systemd:
    """The end that listens."""

    def __init__(self, heard: socket.socket) -> None:
        self._heard = heard

    def hear(self) -> list[str]:
        """The next that it is told."""
        return self._heard.recv(4096).decode().split("\n")

    def until(self, word: str) -> list[list[str]]:
        """All that it is told up to that word, which is the last."""
        said = [self.hear()]
        while word not in said[-1]:
            said.append(self.hear())
        return said


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Where it listens."""
    return str(tmp_path / "notify")


@pytest.fixture
def systemd(place: str) -> Iterator[Systemd]:
    """It listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(place)
        heard.settimeout(30)
        yield Systemd(heard)


def test_a_process_says_that_it_is_ready_lives_and_ends(
    app: str, database: str, place: str, systemd: Systemd
) -> None:
    watched = {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "200000"}
    with start("worker", "--app", app, "--json", **watched) as process:
        systemd.until("READY=1")
        alive = [systemd.hear() for _ in range(3)]
        process.signal(signal.SIGTERM)
        ended = systemd.until("STOPPING=1")
        assert process.end().code == 0

    assert alive == [["WATCHDOG=1"]] * 3
    assert "READY=1" not in [word for each in ended for word in each]


def test_whose_watchdog_is_anothers_says_only_that_it_is_ready(
    app: str, database: str, place: str, systemd: Systemd
) -> None:
    other = {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    with start("worker", "--app", app, "--json", **other) as process:
        first = systemd.hear()
        process.signal(signal.SIGTERM)
        second = systemd.hear()
        process.end()

    assert (first[0], second[0]) == ("READY=1", "STOPPING=1")


def test_what_a_process_starts_is_not_asked() -> None:
    environ = {
        "NOTIFY_SOCKET": "@onbeat", "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(os.getpid()),
        "PATH": "/bin",
    }  # fmt: skip

    assert Supervisor.of(environ) == Supervisor("@onbeat", 5.0)
    assert environ == {"PATH": "/bin"}


def test_a_name_that_begins_with_an_at_is_no_file() -> None:
    name = f"@onbeat-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name[1:])
        heard.settimeout(10)
        Supervisor(name, None).tell("READY=1", "STATUS=running")

        assert heard.recv(100) == b"READY=1\nSTATUS=running"


def test_who_hears_nothing_stops_nobody(tmp_path: Path) -> None:
    Supervisor(str(tmp_path / "nobody"), None).tell("READY=1")
    Supervisor(None, None).tell("READY=1")
