"""What is told of arguments that are refused has no secret in it, wherever that is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pydantic
import pytest

from onbeat import InvalidArguments, Onbeat, Secret, Settings

CANARY = "c4nary, it's \\quoted"


@dataclass
class Login:
    """A class that tells of itself, and of its default, where it is wrong."""

    user: str
    word: Secret[str] = CANARY
    made: Secret[str] = field(default_factory=lambda: CANARY)

    def __post_init__(self) -> None:
        """Refuse one."""
        if self.user == "odd":
            raise ValueError(f"{[repr(self)]} is odd")
        if self.user == "lost":
            raise LookupError(f"{self} is lost")


class Form(msgspec.Struct, omit_defaults=True):
    """A struct that says what it is, which is not in its JSON."""

    user: str
    word: Secret[str] = CANARY

    def __post_init__(self) -> None:
        """Refuse what was changed after it was made."""
        if self.user == "odd":
            raise ValueError(f"{self} is odd")


class Account(pydantic.BaseModel):
    """A model that tells of what it does not show."""

    user: str
    word: Secret[str] = pydantic.Field(default="other", exclude=True)

    @pydantic.model_validator(mode="after")
    def check(self) -> Account:
        """Refuse one."""
        if self.user == "odd":
            raise ValueError(f"{self!r} and {CANARY} are odd")
        return self


class Vault(pydantic.BaseModel):
    """A model whose keys are secret."""

    by: dict[Secret[str], int]


def changed(value: Any) -> Any:
    """The value as no constructor would have it."""
    value.user = "odd"
    return value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Login, {"user": "odd"}),
        (Login, {"user": "lost"}),
        (list[Login], [{"user": "odd"}]),
        (Login, changed(Login("ann"))),
        (Form, {"user": "odd"}),
        (Form, changed(Form("ann"))),
        (Account, changed(Account(user="ann", word=CANARY))),
        (dict[Secret[str], int], {CANARY: "x"}),
        (dict[Secret[str], int], {CANARY: object()}),
        (dict[Secret[str], float], {CANARY: float("nan")}),
        (dict[Secret[str], list[str]], {CANARY: ["\0"]}),
        (Vault, {"by": {CANARY: "x"}}),
    ],
)  # fmt: skip
def test_a_refusal_has_no_secret_in_it(kind: Any, value: Any) -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    def take(value: Any) -> None: ...

    take.__annotations__["value"] = kind
    task = ob.task(take)

    with pytest.raises(InvalidArguments) as refused:
        task.bind(value)

    told = f"{refused.value} {refused.value.field} {refused.value!r}"
    assert "c4nary" not in told
    assert "quoted" not in told
    assert refused.value.__cause__ is refused.value.__context__ is None
    assert json.dumps(refused.value.field).startswith(('"value', '"args'))
