"""What is secret in values themselves: in what a task really gets, and in defaults of its types.

A value may come in only when arguments are read: as the default of a field, or because a model
makes another of what it is given. It is found in the objects and not in JSON of them, for that may
leave it out (`omit_defaults` of msgspec, `Field(exclude=True)` of pydantic).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, get_args, get_origin

import msgspec

from onbeat.domain.secrets import Path, values_at
from onbeat.runtime.secret_places import (
    fields_of,
    has_fields,
    hides_its_value,
    is_root_model,
    opened_type,
    places_in,
)

_ABSENT = ("_MISSING_TYPE", "NoDefaultType", "PydanticUndefinedType", "_Nothing")
"""What dataclasses, msgspec, pydantic and attrs have in the place of a default."""

_PLAIN = frozenset((str, int, float, bool, type(None), dict, list))


def secret_values(given: Any, places: Iterable[Path]) -> list[Any]:
    """The texts and numbers in the places of secrets, in objects of any kind."""
    found: list[Any] = []
    # Of what goes in a circle, as only objects can, all is found in the first round.
    with suppress(RecursionError):
        for value in values_at(given, places, _opened):
            found.append(value)  # noqa: PERF402 - what was found before an error is kept
    return found


def default_values(kinds: Mapping[str, Any]) -> list[Any]:
    """The secrets that values of these types may have by themselves: defaults of their fields."""
    classes: dict[Any, None] = {}
    for kind in kinds.values():
        _add_classes(kind, classes)
    return [
        value for each in classes for value in secret_values(dict(_defaults(each)), places_in(each))
    ]


def _opened(value: Any) -> Any:
    """A value as JSON has it, one level of it; what JSON does not know, as text."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if hides_its_value(kind):
        return _opened(value.get_secret_value())
    if is_root_model(kind):
        return _opened(value.root)
    if has_fields(kind):
        return _members(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return _as_text(value)


def _members(value: Any) -> dict[str, Any]:
    return {
        name: getattr(value, attribute, None)
        for attribute, names, _ in fields_of(type(value))
        for name in names
    }


def _as_text(value: Any) -> Any:
    if value is msgspec.UNSET:
        return None
    try:
        plain = msgspec.to_builtins(value)
    except Exception:
        plain = value
    try:
        return plain if type(plain) in _PLAIN else str(plain)
    except Exception:
        return None


def _add_classes(kind: Any, found: dict[Any, None]) -> None:
    """Add the classes with fields that a type is made of."""
    own = get_origin(kind) or kind
    for inner in (opened_type(own), *get_args(kind)):
        if inner is not None:
            _add_classes(inner, found)
    if has_fields(own) and own not in found:
        found[own] = None
        for _, _, each in fields_of(own):
            _add_classes(each, found)


def _defaults(kind: Any) -> Iterator[tuple[str, Any]]:
    """The defaults of a class's fields, by each name the field may have in JSON."""
    names = {attribute: names for attribute, names, _ in fields_of(kind)}
    for attribute, default, factory in _declared(kind):
        value = default if factory is None else None
        if callable(factory):
            with suppress(Exception):  # it may need something that only a new object has
                value = factory()
        yield from ((name, value) for name in names.get(attribute, ()))


def _declared(kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """The fields of a class, each with its default and what makes it."""
    if issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield field.name, _known(field.default), _known(field.default_factory)
    for name, default in getattr(kind, "_field_defaults", {}).items():
        yield name, default, None
    for name, field in (getattr(kind, "model_fields", None) or {}).items():
        yield name, _known(field.default), field.default_factory
    for name, field in getattr(kind, "__dataclass_fields__", {}).items():
        yield name, _known(field.default), _known(field.default_factory)
    for field in getattr(kind, "__attrs_attrs__", ()):
        yield field.name, _known(field.default), getattr(field.default, "factory", None)


def _known(default: Any) -> Any:
    """A default, or None for what stands where there is none."""
    return None if type(default).__name__ in _ABSENT else default
