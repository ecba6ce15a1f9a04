"""Names and patterns of names (fnmatch), as silences and channels are narrowed by."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

from onbeat.domain.errors import InvalidInput

WILD: Final = frozenset("*?[")
"""What makes a name a pattern."""


def is_name(pattern: str) -> bool:
    """Whether nothing in it is wild."""
    return WILD.isdisjoint(pattern)


def check_named(patterns: Iterable[str], known: Collection[str], where: str) -> None:
    """Raise InvalidInput, naming the field `where`, for a name that none of the `known` has.

    It would fit nothing, and nobody would notice. Patterns may fit what is yet to come.
    """
    for each in patterns:
        name = each.removeprefix("!")
        if is_name(name):
            check_name(name, known, where)


def check_name(name: str, known: Collection[str], where: str) -> None:
    """Raise InvalidInput, naming the field `where`, for a name that none of the `known` has."""
    if name not in known:
        near = get_close_matches(name, known, n=1)
        told = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
        raise InvalidInput(where, f"{name!r} is none of them; {told}")
