"""Where the secrets are in what a task has returned, if its annotation does not tell.

`-> Any`, no annotation, `-> dict`, or a class that has subclasses: the result itself says which
classes its objects are of. Where the annotation tells that there are none, nothing is looked at.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Union, get_args, get_origin
from uuid import UUID
from weakref import WeakKeyDictionary

from onbeat.domain.secrets import EACH, Path
from onbeat.runtime.secret_places import fields_of, has_fields, places_in

_SCALARS = frozenset(
    (str, int, float, bool, bytes, type(None), datetime, date, time, timedelta, Decimal, UUID)
)
_LISTS = (list, tuple, set, frozenset)


def is_closed(kind: Any) -> bool:
    """Whether values of a type are of nothing but scalars, lists and dicts."""
    origin = get_origin(kind)
    if origin in (*_LISTS, dict, Union, types.UnionType):
        return all(each is Ellipsis or is_closed(each) for each in get_args(kind))
    return kind is None or any(kind is each for each in _SCALARS)


def is_plain(value: Any) -> bool:
    """Whether a value is of nothing but scalars, lists and dicts, as most are that are not told."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind in _SCALARS
    for each in value:  # noqa: SIM110 - a generator takes twice as long
        if type(each) not in _SCALARS and not is_plain(each):
            return False
    return True


def places_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """The places of secrets in a value, whatever it is made of."""
    kind = type(value)
    if _is_looked_into(kind):
        yield from ((*path, *place) for place in places_in(kind))
    for name, each in _members(value, kind):
        if type(each) not in _SCALARS:
            yield from places_of(each, (*path, name))


def _members(value: Any, kind: type) -> Iterable[tuple[str, Any]]:
    """What a value is made of, each with its place in the JSON of it."""
    if kind is dict:
        return [(name if type(name) is str else EACH, each) for name, each in value.items()]
    if _is_looked_into(kind):
        found = [
            (names, getattr(value, attribute, None)) for attribute, names, _ in fields_of(kind)
        ]
        return [(name, each) for names, each in found for name in names]
    return [(EACH, each) for each in value] if isinstance(value, _LISTS) else []


def _is_looked_into(kind: type) -> bool:
    """Whether objects of a class may have secrets in them."""
    if kind not in _looked_into:
        may_have = has_fields(kind) and not all(is_closed(each) for *_, each in fields_of(kind))
        _looked_into[kind] = may_have
    return _looked_into[kind]


_looked_into: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
