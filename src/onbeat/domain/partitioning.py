"""How the keys of a service are shared out among its instances: evenly, and with few moves.

Each instance decides for itself, of what all of them see: no one of them leads. It may have so many
keys as its place among the instances says, lets go of what is over that, and takes of what nobody
has; so a key moves only where an instance comes or goes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """The keys that an instance has."""

    keys: frozenset[str] = frozenset()
    orphans: frozenset[str] = frozenset()
    """Those among them whose last instance did not give them back: what it did may be half done."""
    surplus: frozenset[str] = frozenset()
    """Those that it has yet only as it works for them: others wait for them."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an instance is to do about its keys."""

    keep: tuple[str, ...]
    let_go: tuple[str, ...]
    """Those that are too many, or are no keys any more."""
    take: tuple[str, ...]


def quota(keys: int, place: int, instances: int) -> int:
    """How many of so many keys the instance at a place may have; the first have one more."""
    each, more = divmod(keys, instances)
    return each + (place < more)


def balance(
    keys: Collection[str], instances: Collection[str], me: str, holders: Mapping[str, str]
) -> Balance:
    """What `me`, one of `instances`, is to do, where `holders` have keys.

    Of too many it lets go those that stand last by name, so that two who look at once agree.
    """
    mine = sorted(key for key, holder in holders.items() if holder == me)
    there = [key for key in mine if key in keys]
    allowed = quota(len(keys), sorted(instances).index(me), len(instances))
    keep = there[:allowed]
    free = sorted(key for key in keys if key not in holders)
    kept = set(keep)
    return Balance(
        keep=tuple(keep),
        let_go=tuple(key for key in mine if key not in kept),
        take=tuple(free[: allowed - len(keep)]),
    )
