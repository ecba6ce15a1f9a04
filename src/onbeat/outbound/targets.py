"""Where a request may go, as far as its URL says: scheme, port, no credentials, an outer address.

Names are judged when they are resolved; see `resolving`. The URL is parsed by what will connect
by it, so that nobody can mean one host here and another there.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from onbeat.domain.addresses import Address, Allowed, what_within
from onbeat.domain.errors import ExtraMissing, InvalidInput

if TYPE_CHECKING:
    from yarl import URL

LONGEST_URL = 2_048

SERVICE_PORTS = frozenset(
    (1433, 1521, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 4369,
     5060, 5061, 5432, 5672, 5900, 6000, 6379, 6432, 6443, 6566, 6665, 6666, 6667, 6668, 6669,
     6679, 6697, 7000, 7001, 8086, 8500, 9042, 9092, 9200, 9300, 10080, 10250, 10255, 11211, 15672,
     26379, 27017, 27018, 50070)
)  # fmt: skip
"""Above 1023, what no webhook listens on: databases, queues, control planes, and what the Fetch
standard calls bad ports.
"""


NOTHING = Allowed()


class TargetRefused(InvalidInput):
    """A target that requests may not go to."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator allows."""

    allowed: Allowed = NOTHING
    http: bool = False
    """Whether a request may go unencrypted."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that requests may go to, if its name leads where they may."""

    url: URL
    host: str
    port: int
    address: Address | None
    """Where the host is an address itself."""


def read_target(text: str, rules: Rules, field: str = "url") -> Target:
    """Read a URL. Raises TargetRefused, which names `field`, and ExtraMissing."""
    url = _parse(text, field)
    schemes = ("https", "http") if rules.http else ("https",)
    if url.scheme not in schemes:
        more = "" if rules.http else "; the setting ONBEAT_OUTBOUND_HTTP allows http://"
        raise TargetRefused(field, f"it is not https://; give a URL that is{more}")
    if url.user is not None or url.password is not None:
        told = "it has a name or password in it; leave them out: messages are signed instead"
        raise TargetRefused(field, told)
    host, port = url.raw_host, url.port
    if not host or port is None:
        raise TargetRefused(field, "it names no host; give https://hooks.example/path")
    if "%" in host or host.startswith(".") or ".." in host:
        raise TargetRefused(field, f"{host!r} is no host; give https://hooks.example/path")
    _check_port(port, field)
    address = _literal(host, field)
    if address is not None:
        check_address(host, address, rules.allowed, field)
    return Target(url, host, port, address)


def _parse(text: str, field: str) -> URL:
    try:
        from yarl import URL  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise ExtraMissing("sending requests", "aiohttp", "server") from error
    wanted = "give one such as https://hooks.example/path"
    if not isinstance(text, str) or len(text) > LONGEST_URL:
        raise TargetRefused(field, f"it is no text of up to {LONGEST_URL} characters; {wanted}")
    if not text.isprintable() or " " in text or "\\" in text:
        raise TargetRefused(field, f"it has a blank, a backslash or the like in it; {wanted}")
    try:
        url = URL(text)
        _ = url.port, url.raw_host, url.raw_path_qs
    except (ValueError, TypeError) as error:
        raise TargetRefused(field, f"it is no URL: {error}; {wanted}") from None
    return url.with_fragment(None)


def _check_port(port: int, field: str) -> None:
    if port in (80, 443) or (port > 1023 and port not in SERVICE_PORTS):
        return
    told = f"port {port} is another service's; give 443, 80, or one above 1023 that is none's"
    raise TargetRefused(field, told)


def _literal(host: str, field: str) -> Address | None:
    """The address that a host is, if it is one; ways to write one that only some read are refused.

    `127.1`, `0x7f.0.0.1` and `2130706433` are 127.0.0.1 to the C library.
    """
    try:
        return ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2].lower()
        if last.isdecimal() or last.startswith("0x"):
            told = f"{host!r} is neither a name nor an address; give it as 192.0.2.1 is"
            raise TargetRefused(field, told) from None
        return None


def check_address(host: str, address: Address, allowed: Allowed, field: str = "url") -> None:
    """Raise TargetRefused unless the address is outside, or allowed.

    Where a name leads within is not told: whoever gives it could read an inner zone that way.
    """
    what = what_within(address)
    if what is None or allowed.has(host, address):
        return
    leads = "is" if _is_literal(host) else "leads to"
    raise TargetRefused(
        field, f"{host} {leads} no address outside ({what}); give a public one, or let an operator "
        "allow it: ONBEAT_OUTBOUND_ALLOW",
    )  # fmt: skip


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
