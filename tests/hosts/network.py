"""A network of several hosts on one machine: each a network namespace, joined by a bridge.

Each has an address, a loopback and one cable. Names tell whose they are (`ob`, the number of the
process that made them, the host): what a run that was killed has left, the next one removes.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NAMESPACES = Path("/var/run/netns")
CLONE_NEWNET = 0x40000000
OURS = re.compile(r"ob([0-9a-f]+)-\w+")

NOBODY = "02:00:00:00:00:01"
"""A hardware address that no host has: what is sent there is lost without a word."""


class NotPermitted(RuntimeError):
    """Network namespaces cannot be made here."""


class Network:
    """A bridge and the hosts on it; who made it is on it as well, as the first address."""

    def __init__(self, hosts: Sequence[str]) -> None:
        """Choose names and addresses; nothing is made yet."""
        self._mark = f"ob{os.getpid():x}"
        self._bridge = f"{self._mark}-net"
        self._prefix = ""
        self._numbers = {host: 11 + number for number, host in enumerate(hosts)}

    @property
    def range(self) -> str:
        """All its addresses."""
        return f"{self._prefix}0/24"

    def address(self, host: str) -> str:
        """Where a host is reached."""
        return f"{self._prefix}{self._numbers[host]}"

    def command(self, host: str, *words: str) -> list[str]:
        """The command that runs `words` on a host, which then also has the host's name."""
        named = 'hostname "$0" && exec "$@"'
        return [
            "ip", "netns", "exec", self._space(host),
            "unshare", "--uts", "sh", "-c", named, host, *words,
        ]  # fmt: skip

    def open(self) -> None:
        """Make everything. Raises NotPermitted, which says what was refused."""
        _check_tools()
        sweep()
        self._prefix = _free_prefix()
        _run("ip", "link", "add", self._bridge, "type", "bridge")
        _run("ip", "address", "add", f"{self._prefix}1/24", "dev", self._bridge)
        _run("ip", "link", "set", self._bridge, "up")
        for host in self._numbers:
            self._plug_in(host)

    def close(self) -> None:
        """Remove everything, as far as it is there."""
        for host in self._numbers:
            _try("ip", "link", "delete", self._cable(host))
            _try("ip", "netns", "delete", self._space(host))
        _try("ip", "link", "delete", self._bridge)

    @contextmanager
    def entered(self, host: str) -> Iterator[None]:
        """Be on a host: what this thread starts meanwhile has the host's network."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(NAMESPACES / self._space(host), os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(here)
            os.close(there)
            os.close(here)

    @contextmanager
    def cut(self, host: str) -> Iterator[None]:
        """Pull a host's cable: nothing comes or goes, and nobody is told."""
        _run("ip", "link", "set", self._cable(host), "down")
        try:
            yield
        finally:
            _run("ip", "link", "set", self._cable(host), "up")

    @contextmanager
    def one_way(self, sender: str, receiver: str) -> Iterator[None]:
        """Lose what `sender` sends to `receiver`; the other direction is whole."""
        self._point(sender, receiver, NOBODY)
        try:
            yield
        finally:
            self._point(sender, receiver, self._hardware(receiver))

    def _point(self, sender: str, receiver: str, hardware: str) -> None:
        """Say which hardware has the receiver's address, as the sender sees it."""
        self._on(
            sender, "ip", "neighbour", "replace", self.address(receiver), "lladdr", hardware,
            "dev", "eth0", "nud", "permanent",
        )  # fmt: skip

    def _plug_in(self, host: str) -> None:
        space, cable, end = self._space(host), self._cable(host), f"{self._mark}-x"
        _run("ip", "netns", "add", space)
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", end)
        _run("ip", "link", "set", end, "netns", space, "name", "eth0")
        _run("ip", "link", "set", cable, "master", self._bridge, "up")
        self._on(host, "ip", "link", "set", "lo", "up")
        self._on(host, "ip", "link", "set", "eth0", "address", self._hardware(host), "up")
        self._on(host, "ip", "address", "add", f"{self.address(host)}/24", "dev", "eth0")

    def _on(self, host: str, *words: str) -> None:
        _run("ip", "netns", "exec", self._space(host), *words)

    def _space(self, host: str) -> str:
        return f"{self._mark}-{host}"

    def _cable(self, host: str) -> str:
        return f"{self._mark}-{host}"

    def _hardware(self, host: str) -> str:
        return f"02:00:00:00:01:{self._numbers[host]:02x}"


@contextmanager
def network(hosts: Sequence[str]) -> Iterator[Network]:
    """A network that is gone afterwards. Raises NotPermitted."""
    made = Network(hosts)
    try:
        made.open()
        yield made
    finally:
        made.close()


def refused() -> str | None:
    """Why no network can be made here; None where it can."""
    try:
        with network(["try"]) as made, made.entered("try"):
            return None
    except (NotPermitted, OSError) as error:
        return f"no network namespaces here: {error}"


def sweep() -> None:
    """Remove what runs that are dead have left: processes, namespaces, cables, bridges."""
    for space in _orphans(each.name for each in NAMESPACES.glob("ob*-*")):
        pids = _run("ip", "netns", "pids", space).split()
        for pid in map(int, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _try("ip", "netns", "delete", space)
    for link in _orphans(each.name for each in Path("/sys/class/net").glob("ob*-*")):
        _try("ip", "link", "delete", link)


def _orphans(names: Iterator[str]) -> list[str]:
    """Those whose maker is dead."""
    found = [(name, OURS.fullmatch(name)) for name in names]
    return [name for name, ours in found if ours and not _lives(int(ours[1], 16))]


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _free_prefix() -> str:
    """How addresses begin that nobody has; of those for measurements between networks, RFC 2544."""
    routes = _run("ip", "route")
    free = [f"198.{18 + each // 256}.{each % 256}." for each in range(512)]
    return secrets.choice([each for each in free if each not in routes])


def _check_tools() -> None:
    if os.geteuid() != 0:
        raise NotPermitted("only root may make them")
    for tool, package in (("ip", "iproute2"), ("unshare", "util-linux"), ("hostname", "hostname")):
        if shutil.which(tool) is None:
            raise NotPermitted(f"{tool} is not installed; install {package}")


def _enter(namespace: int) -> None:
    # `os.setns` came with Python 3.12.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotPermitted(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _try(*words: str) -> None:
    with suppress(NotPermitted):
        _run(*words)
