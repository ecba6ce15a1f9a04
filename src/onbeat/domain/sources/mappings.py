"""Which action is done for which message, and filling it with what the message has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any

from onbeat.domain.errors import InvalidInput
from onbeat.domain.sources.actions import Action
from onbeat.domain.sources.messages import NAME, Body, DoesNotFit, Field, Message, Pattern


class Mapped:
    """A mapping: for messages of which channels, holding what, which action is done."""

    def __init__(
        self, pattern: str, action: Action, where: Mapping[str, Any] | None = None
    ) -> None:
        """Read it. Raises InvalidInput for a text with parts that the pattern does not name."""
        if not isinstance(action, Action):
            raise InvalidInput(
                "action", f"{action!r} is none; give Enqueue, Advance, Trigger, Pause or Resume"
            )
        self.pattern, self.action, self.where = Pattern(pattern), action, dict(where or {})
        for name in sorted(_named_in(action) - set(self.pattern.names)):
            raise InvalidInput(
                "action", f"{{{name}}} stands in it, and {pattern!r} names no such part; name it"
            )

    @cached_property
    def digest(self) -> str:
        """The same in each version of the code that does the same for the same messages, wherever
        among the others it stands there; how it is done, as with which priority, is no part of it.
        """
        target = next(getattr(self.action, each.name) for each in fields(self.action))
        args = getattr(self.action, "args", None)
        told = (self.pattern.text, self.where, type(self.action).__name__, target, args)
        return sha256(repr(_spelt(told)).encode(errors="replace")).hexdigest()

    def is_for(self, message: Message) -> bool:
        """Whether such messages are meant. Raises DoesNotFit for one that cannot be read."""
        if message.pattern is not None and message.pattern != self.pattern.glob:
            return False
        if self.pattern.parts(message.channel) is None:
            return False
        if not self.where:
            return True
        body = Body(message)
        found = {path: Field(path, None).read(body.json) for path in self.where}
        return found == self.where

    def fill(self, message: Message) -> Action:
        """The action for that message, without anything left open. Raises DoesNotFit."""
        parts = self.pattern.parts(message.channel)
        if parts is None:
            raise DoesNotFit(f"its channel {message.channel!r} is not {self.pattern.text!r}")
        filled = _Filling(parts, Body(message))
        given = {each.name: filled(getattr(self.action, each.name)) for each in fields(self.action)}
        try:
            return replace(self.action, **given)
        except InvalidInput as error:
            raise DoesNotFit(str(error)) from None


def names_of(mappings: Sequence[Mapped]) -> list[str]:
    """What each is known by: its digest, and which it is of those that have the same."""
    seen: Counter[str] = Counter()
    found = []
    for each in mappings:
        seen[each.digest] += 1
        found.append(f"{each.digest}/{seen[each.digest]}")
    return found


class _Filling:
    """Puts what a message has in the place of what stands for it."""

    def __init__(self, parts: Mapping[str, str], body: Body) -> None:
        self._parts, self._body = parts, body

    def __call__(self, value: Any) -> Any:
        if isinstance(value, Field):
            return value.read(self._body.json)
        if isinstance(value, str):
            return NAME.sub(lambda found: self._parts.get(found[1], found[0]), value)
        if isinstance(value, Mapping):
            return {key: self(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self(each) for each in value]
        return value


def _named_in(value: Any) -> set[str]:
    """The parts of a channel that stand in a value of an action."""
    if isinstance(value, str):
        return set(NAME.findall(value))
    if isinstance(value, Action):
        return _named_in([getattr(value, each.name) for each in fields(value)])
    inner: Sequence[Any] = ()
    if isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, list | tuple):
        inner = value
    return set().union(*map(_named_in, inner))


def _spelt(value: Any) -> Any:
    """What a mapping says, the same in every process; values of kinds unknown are only named."""
    match value:
        case Field():
            return "field", value.path, _spelt(value.default), getattr(value.as_, "__name__", None)
        case Mapping():
            return "dict", sorted((repr(key), _spelt(each)) for key, each in value.items())
        case list() | tuple():
            return [_spelt(each) for each in value]
        case str() | int() | float() | date() | None:
            return value
        case _:
            return type(value).__qualname__
