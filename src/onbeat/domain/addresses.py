"""Which addresses lie outside, where requests of users may go, and which lie within.

An address that carries another one in it (IPv4 mapped into IPv6, NAT64, 6to4) lies where that one
does. Of IPv6 only what is known to be outside is; of IPv4, which is all given out, all but what the
IANA special-purpose registries keep for other uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from onbeat.domain.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WITHIN_4 = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider's customers"),
        ("127.0.0.0/8", "this host"),
        ("168.63.129.16/32", "a cloud's own"),  # Azure's: public, and answered by the host
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

WITHIN_6 = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "this host"),
        ("::1/128", "this host"),
        ("2001::/23", "reserved"),  # Teredo, ORCHID, benchmarks
        ("2001:db8::/32", "for documentation"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
)
OUTSIDE_6 = IPv6Network("2000::/3")
"""All that is given out for the whole net."""

NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")
COMPATIBLE = IPv6Network("::/96")


def what_within(address: Address) -> str | None:
    """What an address is that lies within; None for one outside."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in WITHIN_4 if address in network), None)
    found = next((what for network, what in WITHIN_6 if address in network), None)
    if found is not None:
        return found
    carried = _carried(address)
    if carried is not None:
        return what_within(carried)
    return None if address in OUTSIDE_6 else "reserved"


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that it stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in NAT64 or address in COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour if address in SIX_TO_FOUR else None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be reached although it lies within: hosts by name, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def has(self, host: str, address: Address) -> bool:
        """Whether `address` may be reached under the name `host`."""
        return plain_host(host) in self.hosts or any(
            address.version == network.version and address in network for network in self.networks
        )


def plain_host(host: str) -> str:
    """A host's name as names are compared."""
    return host.rstrip(".").lower()


def read_allowed(field: str, entries: Iterable[str]) -> Allowed:
    """Read names of hosts, addresses and networks such as "10.1.0.0/16". Raises InvalidInput."""
    hosts: set[str] = set()
    networks: list[Network] = []
    for entry in entries:
        if "/" in entry or _is_address(entry):
            networks.append(_network(field, entry))
        elif _is_name(entry):
            hosts.add(plain_host(entry))
        else:
            told = f"{entry!r} is neither a host nor a network; give hooks.example or 10.1.0.0/16"
            raise InvalidInput(field, told)
    return Allowed(frozenset(hosts), tuple(networks))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    parts = plain_host(text).split(".")
    return all(part and part.replace("-", "").replace("_", "").isalnum() for part in parts)


def _network(field: str, entry: str) -> Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise InvalidInput(field, f"{entry!r} is no network: {error}; give 10.1.0.0/16") from None
