"""What is wrong with arguments that cannot be taken: which one it is, where in it, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

Encode = Callable[[Any], bytes]
FAILURES = (TypeError, ValueError, RecursionError, OverflowError)
DEEPEST = 50

_AT = re.compile(r" - at `(?P<of_key>key in )?\$(?P<path>[^`]*)`\Z")


def culprit(given: Mapping[str, Any], encode: Encode) -> tuple[str, Any, str]:
    """The innermost value that cannot be encoded: where it is, itself, and why."""
    where, value, why = "args", given, "it is too deep"
    for _ in range(DEEPEST):
        for name, inner in _members(value):
            try:
                encode(inner)
            except FAILURES as error:
                where, value, why = _join("" if where == "args" else where, name), inner, str(error)
                break
        else:
            break
    return where, value, why


def largest_of(given: Mapping[str, Any], encode: Encode) -> tuple[str, int]:
    """The argument with the most JSON, and how many bytes that is."""
    sizes = {name: len(encode(value)) for name, value in given.items()}
    largest = max(sizes, key=sizes.__getitem__)
    return largest, sizes[largest]


def holds_nul(value: Any, where: str = "", depth: int = 0) -> str | None:
    """Where a text with a NUL is, in a value or a key."""
    if isinstance(value, str):
        return where if "\0" in value else None
    if depth < DEEPEST:
        for name, inner in _members(value):
            at = _join(where, name)
            if isinstance(name, str) and "\0" in name:
                return where
            if (found := holds_nul(inner, at, depth + 1)) is not None:
                return found
    return None


def not_finite(value: Any, where: str = "", depth: int = 0) -> str | None:
    """Where a NaN or an infinity is, which would be stored as null."""
    if isinstance(value, float):
        return None if math.isfinite(value) else where
    if depth < DEEPEST:
        for name, inner in _members(value):
            if (found := not_finite(inner, _join(where, name), depth + 1)) is not None:
                return found
    return None


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of a value, each with its key, its number, or its name."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from enumerate(value)
    elif isinstance(value, msgspec.Struct):
        yield from ((name, getattr(value, name, None)) for name in value.__struct_fields__)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name, None)) for field in fields(value))
    elif hasattr(value, "model_dump"):
        yield from vars(value).items()


def _join(where: str, name: Any) -> str:
    if isinstance(name, int):
        return f"{where}[{name}]"
    return f"{where}.{name}" if where else str(name)


def told_of(error: BaseException) -> tuple[str, str]:
    """Where in the arguments a value does not fit, as `card.number`, and what is wrong with it."""
    text = str(error)
    at = _AT.search(text)
    where = at["path"].lstrip(".") if at else ""
    what = text[: at.start()] if at else text
    of_model = _of_model(error.__cause__)
    if of_model is not None:
        inner, what = of_model
        for name in inner:
            where = _join(where, name)
    if at and at["of_key"]:
        what = f"in a key: {what}"
    return where or "args", what


def _of_model(error: BaseException | None) -> tuple[tuple[Any, ...], str] | None:
    """The first thing that pydantic objects to, without what was given, and how many there are."""
    listed = getattr(error, "errors", None)
    if not callable(listed):
        return None
    found = listed(include_input=False, include_url=False, include_context=False)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return tuple(found[0]["loc"]), found[0]["msg"] + more


def too_large(size: int, limit: int) -> str:
    """What is wrong with arguments of so many bytes, and what to do."""
    return (
        f"{size} bytes of JSON, at most {limit} are taken; store the data elsewhere and give its "
        "address, or raise ONBEAT_MAX_PAYLOAD"
    )
