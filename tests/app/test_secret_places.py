"""Where a task's secrets are is read off its types, whichever way they are declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, NewType, TypedDict, TypeVar

import msgspec
import pydantic
import pytest

from onbeat import InvalidTask, Limit, Onbeat, Secret, Settings
from onbeat.domain.secrets import SUSPECTS
from onbeat.runtime.secret_places import secret_places

T = TypeVar("T")
Token = NewType("Token", str)


@dataclass
class Card:
    number: Secret[str]
    owner: str = "ann"


class Login(msgspec.Struct, rename="camel"):
    user_name: str
    pass_word: Secret[str]


class Pair(msgspec.Struct, array_like=True):
    key: Secret[str]
    name: str


class Point(NamedTuple):
    left: int
    secret: Secret[int]


class Form(TypedDict):
    pin: Secret[int]
    name: str


class Account(pydantic.BaseModel):
    password: pydantic.SecretStr
    token: Secret[str] = pydantic.Field(alias="accessToken")
    card: Card | None = None
    name: str = ""


@dataclass
class Chain:
    key: Secret[str]
    following: Chain | None = None


class Vault(pydantic.RootModel[dict[str, Secret[str]]]):
    """A model that is a single value."""


class Box(pydantic.BaseModel, Generic[T]):
    value: T


@dataclass
class Harmless:
    following: Harmless | None = None


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        (str, []),
        (Secret[str], ["value"]),
        (Annotated[str, Secret], ["value"]),
        (Annotated[Secret[str], "more"], ["value"]),
        (Secret[str] | None, ["value"]),
        (Secret[Card], ["value"]),
        (list[Secret[str]], ["value *"]),
        (dict[str, Secret[str]], ["value *"]),
        (Mapping[str, Sequence[Secret[str]]], ["value * *"]),
        (tuple[int, Secret[str]], ["value *"]),
        (Card, ["value number"]),
        (list[Card], ["value * number"]),
        (Login, ["value passWord"]),
        (Pair, ["value"]),
        (Point, ["value"]),
        (Form, ["value pin"]),
        (Account, ["value accessToken", "value card number", "value password", "value token"]),
        (pydantic.SecretStr, ["value"]),
        (pydantic.SecretBytes, ["value"]),
        (pydantic.Secret[int], ["value"]),
        (dict[Secret[str], int], ["value", "value #"]),
        (Vault, ["value *"]),
        (list[Vault], ["value * *"]),
        (Box[Secret[str]], ["value value"]),
        (Box[pydantic.SecretStr], ["value value"]),
        (Box[int], []),
        (Annotated[dict[str, str] | None, SUSPECTS], ["value ?"]),
        (Chain, ["value following", "value key"]),
        (Harmless, []),
        (Token, []),
        (Any, []),
    ],
)
def test_the_places_of_secrets_are_found(kind: Any, places: list[str]) -> None:
    assert sorted(" ".join(place) for place in secret_places({"value": kind})) == places


def test_a_limit_by_a_secret_is_refused_because_its_key_is_shown() -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    with pytest.raises(InvalidTask, match="limit 'calls' is by 'token', which is secret"):

        @ob.task(limits=Limit("calls", concurrency=1, by="token"))
        def call(token: Secret[str]) -> None: ...
