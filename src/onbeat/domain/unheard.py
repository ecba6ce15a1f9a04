"""A name of a task, a schedule or a queue, or a tag, that nobody knows: mistyped, or yet to come.
Pure."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from fnmatch import fnmatchcase

from onbeat.domain.patterns import is_name


def unheard_of(kind: str, name: str, known: Collection[str]) -> str | None:
    """What may not be meant by a name, where some of its kind are `known` and this is none of
    them.
    """
    if not known or name in known:
        return None
    close = get_close_matches(name, known, n=1)
    meant = f" (is {close[0]} meant?)" if close else ""
    return f"nobody knows a {kind} {name!r}{meant}"


def unfitted(kind: str, pattern: str, known: Collection[str]) -> str | None:
    """The same of a pattern, which is a name too where nothing in it is wild."""
    if is_name(pattern):
        return unheard_of(kind, pattern, known)
    if not known or fits_any(pattern, known):
        return None
    return f"no {kind} that is known fits {pattern!r}"


def fits_any(pattern: str, known: Collection[str]) -> bool:
    """Whether any of these is, or fits, the pattern."""
    return pattern in known or any(fnmatchcase(name, pattern) for name in known)
