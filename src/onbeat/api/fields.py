"""Fields of bodies: where one that is wrong stands in what was sent, and which one was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

Place = Sequence[str | int]

CLOSE = 0.65
"""How alike two names are where one may be meant by the other; `prio` and `priority` just are."""


def written(body: Any, place: Place, *, is_missing: bool = False) -> str:
    """The path of a place as it was written, at the end of which a field may be missing: pydantic
    also names the branches of a union that it tried, which are nowhere in the body.
    """
    path, value = list[str](), body
    for part in place:
        if _has(value, part):
            value = value[part]
            path.append(str(part))
    return ".".join([*path, str(place[-1])] if is_missing else path)


def _has(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def meant(name: str, known: Sequence[str]) -> str | None:
    """The one of those that are `known` that was probably meant."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=CLOSE)), None)


def known_beside(annotation: Any, place: Place) -> Sequence[str]:
    """The fields that there are where the last of a place stands, in a body of that type."""
    models = list(_models(annotation))
    for part in place[:-1]:
        found = [inner for each in models for inner in _of_field(each, part)]
        models = found or models  # an index, or a branch of a union, which leads nowhere
    return [name for each in models for name, _ in _fields(each)]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Those in a type: alone, in a list, in a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _of_field(model: type[BaseModel], part: str | int) -> Iterator[type[BaseModel]]:
    for name, annotation in _fields(model):
        if name == part:
            yield from _models(annotation)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field.annotation
