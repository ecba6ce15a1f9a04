"""Models whose secrets are defaults of their fields, and tasks that tell them.

A child process imports them from here.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

import msgspec
import pydantic

from onbeat import Run, Secret
from tests.worker.isolated import tell_secret

CANARY = 'c4nary "quoted" ü'


def new_secret() -> str:
    """Another one each time, as a password that is made up."""
    return f"{CANARY} {uuid.uuid4().hex}"


@dataclass
class Plain:
    """A dataclass."""

    user: str
    word: Secret[str] = CANARY


@dataclass
class Made:
    """A dataclass with a factory."""

    user: str
    word: Secret[str] = field(default_factory=new_secret)


@dataclass
class Late:
    """A dataclass that fills in its secret by itself."""

    user: str
    word: Secret[str] = ""

    def __post_init__(self) -> None:
        """Fill it in."""
        self.word = self.word or CANARY


class Struct(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A struct whose defaults are in no JSON of it."""

    user: str
    pass_word: Secret[str] = CANARY

    @property
    def word(self) -> str:
        """The secret."""
        return self.pass_word


class Tuple(msgspec.Struct, array_like=True):
    """A struct that is an array in JSON."""

    user: str
    word: Secret[str] = CANARY


class Model(pydantic.BaseModel):
    """A model whose secret is in no JSON of it."""

    user: str
    hidden: Secret[str] = pydantic.Field(default=CANARY, exclude=True, alias="theWord")

    @property
    def word(self) -> str:
        """The secret."""
        return self.hidden


class Locked(pydantic.BaseModel):
    """A model that makes up a secret, hides it, and leaves it out of its JSON."""

    user: str
    key: pydantic.SecretStr = pydantic.Field(
        default_factory=lambda: pydantic.SecretStr(new_secret()), exclude=True
    )

    @property
    def word(self) -> str:
        """The secret."""
        return self.key.get_secret_value()


class Changed(pydantic.BaseModel):
    """A model that makes another secret of the one it is given."""

    user: str
    word: Secret[str] = "c4"

    @pydantic.model_validator(mode="after")
    def change(self) -> Changed:
        """Complete it."""
        self.word = CANARY
        return self


class Outer(pydantic.BaseModel):
    """A model with other models in it."""

    user: str
    inner: Plain | None = pydantic.Field(default_factory=lambda: Plain("inner"))
    more: list[Made] = pydantic.Field(default_factory=list)

    @property
    def word(self) -> str:
        """The secret of the last."""
        return ([self.inner, *self.more][-1] or Plain("nobody")).word


def tell_made(run: Run, login: Made, how: str) -> object:
    """Tell the secret, which this process has made."""
    return tell_secret(run, login.word, how)


def tell_locked(run: Run, login: Locked, how: str) -> object:
    """The same of a model."""
    return tell_secret(run, login.word, how)


async def tell_model_soon(run: Run, login: Model, how: str) -> object:
    """The same in a coroutine."""
    return tell_secret(run, login.word, how)


async def lose_soon(word: Secret[str]) -> None:
    """Have a callback fail that nobody waits for."""
    asyncio.get_running_loop().call_soon(int, word)
    await asyncio.sleep(0)


@dataclass
class Reply:
    """Anything in a class."""

    value: object


class Reader(msgspec.Struct):
    """A user who has nothing secret."""

    user: str


class Writer(Reader):
    """A user who has."""

    word: Secret[str] = CANARY


def give(how: str) -> object:
    """Return objects with secrets, of which the annotation says nothing."""
    match how:
        case "list":
            return [1, (Plain("ann"),)]
        case "dict":
            return {"a": {"b": Plain("ann")}, uuid.uuid4(): Writer("ann")}
        case "inside":
            return Reply(Reply([Struct("ann", CANARY + "!")]))
        case "bare":
            return Model(user="ann"), Changed(user="ann")
        case _:
            return Writer("ann")
