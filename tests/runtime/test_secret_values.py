"""The secrets in objects, and those their classes have by default, are found whatever they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, NewType, TypeVar

import attrs
import msgspec
import pydantic
import pytest

from onbeat import Secret
from onbeat.domain.secrets import Scrub
from onbeat.runtime.result_secrets import is_closed, is_plain, places_of
from onbeat.runtime.secret_places import secret_places
from onbeat.runtime.secret_values import default_values, secret_values

T = TypeVar("T")


class Colour(Enum):
    """Something that JSON keeps as its value."""

    RED = "scarlet"


@dataclass
class Plain:
    word: Secret[str] = "plain"
    many: Secret[list[str]] = field(default_factory=lambda: ["made"])
    none: Secret[str | None] = None
    own: Secret[str] = field(init=False, default="own")


class Struct(msgspec.Struct, rename="camel", omit_defaults=True):
    own_word: Secret[str] = "struct"
    needed: Secret[str | msgspec.UnsetType] = msgspec.UNSET
    inner: Plain = msgspec.field(default_factory=Plain)


class Pair(NamedTuple):
    user: Secret[str]
    word: Secret[str] = "pair"


class Model(pydantic.BaseModel):
    word: Secret[str] = pydantic.Field(default="model", alias="theWord", exclude=True)
    raw: pydantic.SecretBytes = pydantic.SecretBytes(b"raw bytes")
    of_another: Secret[str] = pydantic.Field(default_factory=lambda data: data["word"])
    needed: Secret[int]


class Box(pydantic.BaseModel, Generic[T]):
    value: T


@attrs.define
class Attrs:
    word: Secret[str] = "attrs"
    made: Secret[str] = attrs.field(factory=lambda: "factory")
    of_itself: Secret[str] = attrs.field(default=attrs.Factory(lambda self: "", takes_self=True))
    needed: Secret[str] = attrs.field(kw_only=True)


Anything = Secret[Any]
Named = NewType("Named", Plain)


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (Plain, Plain("a", ["b"], "c"), ["a", "b", "c", "own"]),
        (Struct, Struct("a", "b"), ["a", "b", "plain", "made", "own"]),
        (Pair, Pair("a"), ["a", "pair"]),
        (Model, Model(needed=7), ["model", "cmF3IGJ5dGVz", "model", 7]),
        (Box[Secret[str]], Box[Secret[str]](value="a"), ["a"]),
        (Attrs, Attrs(needed="a"), ["attrs", "factory", "", "a"]),
        (Named, Plain("a", []), ["a", "own"]),
        (Plain | None, None, []),
        (dict[str, Pair], MappingProxyType({"x": Pair("a")}), ["a", "pair"]),
        (Anything, {"x": (Colour.RED, date(2027, 3, 1), Decimal("1.5"), True)},
         ["scarlet", "2027-03-01", "1.5"]),
        (Anything, {1: {"a"}, 2: frozenset(["b"])}, ["a", "b"]),
    ],
)  # fmt: skip
def test_what_is_secret_in_an_object_is_found(kind: Any, value: Any, found: list[Any]) -> None:
    places = secret_places({"value": kind})

    assert sorted(set(secret_values({"value": value}, places)), key=str) == sorted(
        set(found), key=str
    )


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (Plain, {"plain", "made", "own"}),
        (list[Named] | None, {"plain", "made", "own"}),
        (Struct, {"struct", "plain", "made", "own"}),
        (dict[str, Pair], {"pair"}),
        (Model, {"model", "cmF3IGJ5dGVz"}),
        (Attrs, {"attrs", "factory"}),
        (Box[Plain], {"plain", "made", "own"}),
        (Literal["plain"], set()),
        (str, set()),
    ],
)
def test_the_secrets_a_type_has_by_default_are_found(kind: Any, found: set[Any]) -> None:
    assert set(default_values({"value": kind})) == found


def test_an_object_that_goes_in_a_circle_ends() -> None:
    @dataclass
    class Node:
        word: Secret[str]
        following: Secret[Any] = None

    node = Node("round")
    node.following = node

    assert "round" in secret_values({"node": node}, secret_places({"node": Node}))


def test_what_is_learnt_later_is_hidden_from_then_on() -> None:
    scrub = Scrub(["first"])
    before = scrub.text("first second 3333")
    scrub.learn(["second", 3333, "first"])

    assert before == "*** second 3333"
    assert scrub.text("first second 3333") == "*** *** ***"
    assert scrub.json('["first", 3333]') == '["***","***"]'


@pytest.mark.parametrize(
    ("kind", "closed"),
    [
        (int, True), (None, True), (dict[str, list[int | None]], True), (tuple[int, ...], True),
        (Any, False), (object, False), (dict, False), (list, False), (list[Any], False),
        (Plain, False), (dict[str, Plain], False), (T, False),
    ],
)  # fmt: skip
def test_a_type_is_closed_only_if_no_object_can_be_in_it(kind: Any, closed: bool) -> None:
    assert is_closed(kind) is closed


def test_a_value_is_plain_only_if_no_object_is_in_it() -> None:
    plain = {"a": [1, {"b": None}], "c": "x"}

    assert is_plain(plain)
    assert not is_plain({**plain, "d": [[Plain()]]})
    assert list(places_of({**plain, "d": [Pair("a")]})) == [("d", "*")]
