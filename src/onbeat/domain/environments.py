"""Environments: applications that share a database and know nothing of each other.

Where one is, its database's URL says it (`?environment=staging`), so that whoever has the URL is in
the right one: a heart of its own, a guest in a caller's transaction, a process that is started.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from onbeat.domain.errors import InvalidInput

PREFIX = "onbeat_"
"""How the name of an environment's schema begins on PostgreSQL."""

CHANNEL = "onbeat"
"""Where hints go on PostgreSQL; an environment's are on a channel that is named as its schema."""

LONGEST = 63 - len(PREFIX)
"""PostgreSQL cuts names after 63 bytes, and two environments would be one."""

PARAMETER = "environment"

_NAME = re.compile(rf"[a-z][a-z0-9_-]{{0,{LONGEST - 1}}}")


def is_environment(name: str) -> bool:
    """Whether it is allowed as a name."""
    return _NAME.fullmatch(name) is not None


def check_environment(name: str) -> str:
    """The name. Raises InvalidInput for one that is not allowed."""
    if not is_environment(name):
        raise InvalidInput(
            PARAMETER,
            f"{name!r} is not allowed; give a lower-case letter, then up to {LONGEST - 1} "
            "lower-case letters, digits, _ or -, such as staging",
        )
    return name


def schema_of(environment: str | None) -> str | None:
    """PostgreSQL's schema of an environment; None where the server's search path says it."""
    return None if environment is None else PREFIX + environment


def environment_of(url: str) -> str | None:
    """The environment a URL says. Raises InvalidInput for one that is not allowed."""
    said = dict(parse_qsl(url.partition("?")[2])).get(PARAMETER)
    return None if said is None else check_environment(said)


def without_environment(url: str) -> str:
    """The URL without its environment, and else as it was."""
    place, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith(f"{PARAMETER}=")]
    return f"{place}?{'&'.join(kept)}" if kept else place


def in_environment(url: str, environment: str | None) -> str:
    """The URL of the same database in that environment. Raises InvalidInput."""
    if environment is None:
        return url
    bare = without_environment(url)
    said = f"{PARAMETER}={check_environment(environment)}"
    return f"{bare}{'&' if '?' in bare else '?'}{said}"


def placed(url: str, given: str | None, otherwise: str | None) -> str:
    """The URL in the environment that is `given`, else in the one it says, else in the other one.

    Raises InvalidInput where it says another than is given.
    """
    said = environment_of(url)
    if given is not None and said is not None and given != said:
        raise InvalidInput(
            PARAMETER, f"{given!r} is given, and the database's URL says {said!r}; say one of them"
        )
    return in_environment(url, given or said or otherwise)
