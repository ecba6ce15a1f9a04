"""What a network of several hosts does, and that nothing is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.hosts.network import Network, network, refused
from tests.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def permitted() -> None:
    """Skip where none can be made."""
    if why := refused():
        pytest.skip(why)


@pytest.fixture
def pair() -> Iterator[Network]:
    """Two hosts."""
    with network(["one", "two"]) as made:
        yield made


def test_hosts_have_names_and_addresses_of_their_own(pair: Network) -> None:
    assert said(pair, "one", "hostname") == "one"
    assert pair.address("two") in said(pair, "two", "ip", "-brief", "address")
    assert pair.address("two") not in said(pair, "one", "ip", "-brief", "address")
    assert reaches(pair, "one", "two")


def test_a_host_whose_cable_is_pulled_is_reached_again_when_it_is_back(pair: Network) -> None:
    with pair.cut("two"):
        assert not reaches(pair, "one", "two")
        assert not reaches(pair, "two", "one")

    wait_until(lambda: reaches(pair, "one", "two"))


def test_what_is_lost_one_way_comes_the_other_way(pair: Network) -> None:
    with pair.one_way("one", "two"):
        before = received(pair, "one")
        assert not reaches(pair, "two", "one")
        assert received(pair, "one") > before, "the question came, and the answer is lost"

    wait_until(lambda: reaches(pair, "two", "one"))


def test_nothing_is_left_of_a_network() -> None:
    with network(["one"]) as made:
        assert made.range in said_here("ip", "route")
        assert ours(said_here("ip", "netns", "list")) == ["one"]

    assert made.range not in said_here("ip", "route")
    assert ours(said_here("ip", "netns", "list")) == []


def test_what_a_killed_run_has_left_is_removed_by_the_next() -> None:
    left = said_here(sys.executable, "-c", KILLED)
    assert left in said_here("ip", "route")

    with network(["one"]):
        assert left not in said_here("ip", "route")


KILLED = """
import os
from tests.hosts.network import Network
made = Network(["one"])
made.open()
print(made.range, flush=True)
os._exit(0)
"""


def ours(listed: str) -> list[str]:
    """The hosts of this process, of those that are listed."""
    mark = f"ob{os.getpid():x}-"
    return [line.split()[0].removeprefix(mark) for line in listed.splitlines() if mark in line]


def reaches(on: Network, sender: str, receiver: str) -> bool:
    """Whether a connection is refused by the other host itself, within a second."""
    program = (
        "import socket\n"
        f"try: socket.create_connection(({on.address(receiver)!r}, 9), 1)\n"
        "except ConnectionRefusedError: print('refused')\n"
        "except OSError as error: print(error)"
    )
    return said(on, sender, sys.executable, "-c", program) == "refused"


def received(on: Network, host: str) -> int:
    """Packets that a host has received."""
    return int(said(on, host, "cat", "/sys/class/net/eth0/statistics/rx_packets"))


def said(on: Network, host: str, *words: str) -> str:
    """What a command on a host prints."""
    return said_here(*on.command(host, *words))


def said_here(*words: str) -> str:
    """What a command prints."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
