"""Where the secrets are in values of a type, as paths through its JSON.

Marked are `Secret[…]` of ours, on parameters and on fields of dataclasses, msgspec structs,
pydantic models, typed dicts and attrs classes; and what hides its value by itself, such as
pydantic's `SecretStr`. Where a path cannot be told apart, more is hidden rather than less.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict
from weakref import WeakKeyDictionary

import msgspec

from onbeat.domain.secrets import EACH, KEYS, SECRET, SUSPECT, SUSPECTS, Path, Secret

_AGAIN = "\0again"
"""Ends the path to a type within itself: hidden as a whole, if anything in it is to be hidden."""


def secret_places(kinds: Mapping[str, Any]) -> tuple[Path, ...]:
    """The places of secrets in an object with members of these types."""
    found = [(name, *path) for name, kind in kinds.items() for path in _places(kind, ())]
    return _settled(found)


def places_in(model: type) -> tuple[Path, ...]:
    """The places of secrets in values of a class."""
    return _settled(list(_of_class(model, ())))


def holds_secrets(model: type) -> bool:
    """Whether there are secrets in values of a class."""
    if model not in _holders:
        _holders[model] = bool(_settled(list(_places(model, ()))))
    return _holders[model]


_holders: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def is_root_model(kind: Any) -> bool:
    """Whether it is a pydantic model that is a single value."""
    return bool(getattr(kind, "__pydantic_root_model__", False))


def hides_its_value(kind: Any) -> bool:
    """Whether it is a type such as pydantic's SecretStr."""
    return hasattr(kind, "get_secret_value")


def _settled(found: list[Path]) -> tuple[Path, ...]:
    own = [path for path in found if path[-1:] != (_AGAIN,)]
    again = [path[:-1] for path in found if path[-1:] == (_AGAIN,)]
    return tuple(dict.fromkeys(own + again)) if own else ()


def _places(kind: Any, within: tuple[Any, ...]) -> Iterator[Path]:
    origin, inner = get_origin(kind), get_args(kind)
    if (opened := opened_type(origin or kind)) is not None:
        yield from _places(opened, within)
        yield from [()] if _any_in(inner, within) else []
    elif origin is Annotated:
        marked = any(mark is SECRET or mark is Secret for mark in inner[1:])
        yield from [()] if marked else _places(inner[0], within)
        yield from [(SUSPECT,)] if SUSPECTS in inner[1:] else []
    elif origin in (Union, types.UnionType):
        for each in inner:
            yield from _places(each, within)
    elif hides_its_value(origin or kind):
        yield ()
    else:
        yield from _of_members(kind, within)


def _of_members(kind: Any, within: tuple[Any, ...]) -> Iterator[Path]:
    """The places in a container's items, or in a class's fields."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(origin, type) and not has_fields(origin):
        if issubclass(origin, Mapping) and _any_in(inner[:1], within):
            yield from ((), (KEYS,))
            return
        for each in inner:
            yield from ((EACH, *path) for path in _places(each, within))
    elif _any_in(inner, within):
        yield ()  # a secret type given to a generic one: which of its fields have it is not told
    else:
        yield from _of_class(origin or kind, within)


def _any_in(kinds: Iterable[Any], within: tuple[Any, ...]) -> bool:
    return any(path[-1:] != (_AGAIN,) for each in kinds for path in _places(each, within))


def opened_type(kind: Any) -> Any | None:
    """What a NewType or a type alias stands for."""
    return getattr(kind, "__supertype__", None) or getattr(kind, "__value__", None)


def _of_class(kind: Any, within: tuple[Any, ...]) -> Iterator[Path]:
    if kind in within:
        yield (_AGAIN,)
        return
    if not has_fields(kind):
        return
    inner = (*within, kind)
    if is_root_model(kind):  # its JSON is that of its one field
        yield from _places(_of_model(kind.model_fields["root"]), inner)
        return
    found = [(names, path) for _, names, each in fields_of(kind) for path in _places(each, inner)]
    if found and _is_array(kind):
        yield () if any(path[-1:] != (_AGAIN,) for _, path in found) else (_AGAIN,)
        return
    for names, path in found:
        yield from ((name, *path) for name in names)


def has_fields(kind: Any) -> bool:
    """Whether it is a class whose fields have types: a dataclass, a struct, a model, …"""
    if not isinstance(kind, type):
        return False
    known = ("__dataclass_fields__", "__struct_fields__", "model_fields", "__attrs_attrs__",
             "_fields")  # fmt: skip
    return is_typeddict(kind) or any(hasattr(kind, name) for name in known)


def _is_array(kind: Any) -> bool:
    """Whether its JSON is an array, in which fields have no names."""
    config = getattr(kind, "__struct_config__", None)
    return issubclass(kind, tuple) or (config is not None and config.array_like)


def fields_of(kind: Any) -> list[tuple[str, set[str], Any]]:
    """The fields of a class, each with the names it may have in JSON, and its type."""
    if kind not in _fields:
        _fields[kind] = _read_fields(kind)
    return _fields[kind]


_fields: WeakKeyDictionary[type, list[tuple[str, set[str], Any]]] = WeakKeyDictionary()


def _read_fields(kind: Any) -> list[tuple[str, set[str], Any]]:
    try:
        hints = get_type_hints(kind, include_extras=True)
    except Exception:  # a name that is only there for type checkers: msgspec refuses those it needs
        hints = dict(getattr(kind, "__annotations__", {}))
    if issubclass(kind, msgspec.Struct):
        renamed = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
        return [(name, {renamed[name]}, hints[name]) for name in renamed if name in hints]
    models = getattr(kind, "model_fields", None) or {}
    # A generic model knows what it was given for its type variables; its annotations do not.
    hints |= {name: _of_model(field) for name, field in models.items()}
    return [(name, {name, *_aliases(models.get(name))}, each) for name, each in hints.items()]


def _of_model(field: Any) -> Any:
    """The type of a model's field, with its marks."""
    kind = field.annotation
    for mark in field.metadata:
        kind = Annotated[kind, mark]
    return kind


def _aliases(field: Any) -> Iterator[str]:
    for name in ("alias", "validation_alias", "serialization_alias"):
        found = getattr(field, name, None)
        for each in getattr(found, "choices", [found]):
            if isinstance(each, str):
                yield each
