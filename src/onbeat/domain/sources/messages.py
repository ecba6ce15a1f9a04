"""Messages, the channels they come by, and where values stand in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from onbeat.domain.errors import InvalidInput, OnbeatError
from onbeat.domain.jobs import check_name
from onbeat.domain.words import many

NAME: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
"""Where a part of a channel's name is given a name."""

BETWEEN: Final = ".:/"
"""What separates the parts of a channel's name: no part that is given a name has one of these."""

LARGEST: Final = 1024 * 1024
"""Bytes of a message that is read; a larger one is set aside."""


class DoesNotFit(OnbeatError):
    """A message that does not have what its mapping needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What came from a source."""

    id: str
    """The same however often it comes; where the transport gives none, it is made on arrival."""
    channel: str
    body: bytes
    place: str | None = None
    """Where it stands at the source, where it is to be told that the message was taken."""
    pattern: str | None = None
    """The pattern of its channel that it came by, where a source says that."""


class Pattern:
    """Which channels are meant: the name of one, with parts that are given names.

    A `{name}` stands for one character or more that are none of `.`, `:` and `/`.
    """

    def __init__(self, text: str) -> None:
        """Read it. Raises InvalidInput."""
        self.text = check_name("pattern", text)
        self.names = tuple(NAME.findall(text))
        bare = NAME.sub("", text)
        if "{" in bare or "}" in bare:
            raise InvalidInput(
                "pattern", f"{text!r} has a brace that names nothing; write a part as {{id}}"
            )
        if len(set(self.names)) < len(self.names):
            raise InvalidInput("pattern", f"{text!r} names two parts alike; give each its own name")
        literal = NAME.split(text)[::2]
        part = f"([^{re.escape(BETWEEN)}]+)"
        self._matches = re.compile(part.join(map(re.escape, literal)), re.DOTALL).fullmatch
        self._literal = tuple(literal)

    def parts(self, channel: str) -> dict[str, str] | None:
        """The named parts of such a channel; None where it is another."""
        found = self._matches(channel)
        return None if found is None else dict(zip(self.names, found.groups(), strict=True))

    @property
    def is_one(self) -> bool:
        """Whether it means one channel alone."""
        return not self.names

    @property
    def glob(self) -> str:
        """The pattern as Redis has it, which may mean more channels."""
        return "*".join(re.sub(r"([*?\[\]\\^])", r"\\\1", each) for each in self._literal)


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value stands in a message; see `field_of`."""

    path: str
    default: Any = msgspec.UNSET
    as_: type[int] | type[float] | type[str] | None = None

    def read(self, body: Any) -> Any:
        """The value in a message's JSON. Raises DoesNotFit."""
        found = body
        for step in filter(None, self.path.split(".")):
            found = _step(found, step)
            if found is msgspec.UNSET:
                break
        if found is msgspec.UNSET:
            found = self.default
        if found is msgspec.UNSET:
            raise DoesNotFit(f"it has no field {self.path!r}")
        return found if self.as_ is None else _read_as(self.as_, found, self.path)


def field_of(
    path: str = "",
    *,
    default: Any = msgspec.UNSET,
    as_: type[int] | type[float] | type[str] | None = None,
) -> Any:
    """Stands for the value at `path` of each message, as `data.items.0.id`; all of it without one.

    A text on the way that is JSON is looked into, as the fields of an entry in a stream are. What a
    message does not have is `default`; without one the message does not fit. With `as_` a number
    that is told as a text is read as one, or the other way round.
    """
    if not isinstance(path, str):
        raise InvalidInput("path", f"{path!r} is no text; give names with dots between")
    return Field(path, default, as_)


def _read_as(kind: type[int] | type[float] | type[str], found: Any, path: str) -> Any:
    is_simple = isinstance(found, str | int | float) and not isinstance(found, bool)
    try:
        if is_simple and (kind is str or not isinstance(found, float) or kind is float):
            return kind(found)
    except ValueError:
        pass
    raise DoesNotFit(f"its field {path!r} cannot be read as {kind.__name__}")


def _step(found: Any, step: str) -> Any:
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except msgspec.DecodeError:
            return msgspec.UNSET
    if isinstance(found, Mapping):
        return found.get(step, msgspec.UNSET)
    if isinstance(found, list) and step.isascii() and step.isdecimal():
        return found[int(step)] if int(step) < len(found) else msgspec.UNSET
    return msgspec.UNSET


def kind_of(value: Any) -> str:
    """What sort of value it is, and how long: reasons go to logs, where what was sent has no
    business.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return f"a text of {many(len(value), 'character')}"
        case Mapping():
            return f"an object of {many(len(value), 'field')}"
        case list() | tuple():
            return f"a list of {len(value):,}"
        case _:
            return f"a {type(value).__name__}"


class Body:
    """What a message says, read when it is asked for."""

    def __init__(self, message: Message) -> None:
        """Of that message."""
        self._message = message

    @cached_property
    def json(self) -> Any:
        """The value that its JSON has. Raises DoesNotFit."""
        size = len(self._message.body)
        if size > LARGEST:
            raise DoesNotFit(f"its {size:,} bytes are more than {LARGEST:,}")
        try:
            return msgspec.json.decode(self._message.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DoesNotFit(f"it is no JSON: {error}") from None
