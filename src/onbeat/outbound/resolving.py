"""From a name to the addresses that are connected to: resolved once, and each of them judged.

What is judged is what is connected to: nobody asks again in between, so a name that leads outside
at first and within afterwards gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from onbeat.domain.addresses import Allowed
from onbeat.outbound.targets import check_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host and port. Raises OSError where there are none."""


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """The addresses that this machine resolves a name to."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def addresses_of(
    host: str, port: int, resolve: Resolve, allowed: Allowed, field: str = "url"
) -> list[str]:
    """Where a name leads. Raises TargetRefused where any of it may not be reached, and OSError."""
    found = list(await resolve(host, port))
    if not found:
        raise OSError(f"{host} leads nowhere")
    for each in found:
        check_address(host, ip_address(each), allowed, field)
    return found


class CheckedResolver(AbstractResolver):
    """What resolves names for one client."""

    def __init__(self, resolve: Resolve, allowed: Allowed) -> None:
        """Ask `resolve`, and let pass what is outside or `allowed`."""
        self._resolve = resolve
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host, all of them judged."""
        found = await addresses_of(host, port, self._resolve, self._allowed)
        return [
            ResolveResult(
                hostname=host, host=each, port=port,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
                proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST,
            )
            for each in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is open."""


class Gate:
    """Makes the sockets of one request: the last to look at an address, whatever came before."""

    def __init__(self, host: str, allowed: Allowed) -> None:
        """Let through what is outside or `allowed` under the name `host`."""
        self._host = host
        self._allowed = allowed

    def __call__(self, found: tuple[Any, ...]) -> socket.socket:
        """A socket for an address that is about to be connected to. Raises TargetRefused."""
        family, kind, protocol, _, place = found
        check_address(self._host, ip_address(str(place[0])), self._allowed)
        return socket.socket(family, kind, protocol)
