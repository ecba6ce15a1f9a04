"""Where what is wrong stands: an error by a word of ours is told by the place somebody wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from onbeat.domain.errors import InvalidArguments, InvalidInput

NOWHERE_ELSE: Mapping[str, str] = {}


@contextmanager
def named(prefix: str = "", /, **places: str) -> Iterator[None]:
    """Name what is refused within by its place in `places`, all behind `prefix`; "" is the whole
    of what the prefix stands for.
    """
    try:
        yield
    except InvalidInput as error:
        field = prefix + places.get(error.field, error.field)
        raise type(error)(field.removesuffix("."), detail_of(error)) from None


@contextmanager
def arguments_at(place: str, elsewhere: Mapping[str, str] = NOWHERE_ELSE) -> Iterator[None]:
    """Name a task's argument that is refused within by its place: within `place`, unless it stands
    `elsewhere`. All else is named as it is.
    """
    try:
        yield
    except InvalidArguments as error:
        within = place if error.field == "args" else f"{place}.{error.field}"
        raise InvalidInput(elsewhere.get(error.field, within), detail_of(error)) from None


def detail_of(error: InvalidInput) -> str:
    """What an error says, without its field."""
    return str(error).removeprefix(f"{error.field}: ")
