"""What a task gets as a secret is hidden even where it is not in the job's arguments as stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pydantic
import pytest

from onbeat import Middleware, Run, Secret
from onbeat.domain.jobs import Job
from onbeat.runtime.tasks import Proceed
from tests.worker import vault
from tests.worker.isolated import tell_secret
from tests.worker.test_secrets import HOWS, has_run, unseen
from tests.worker.vault import CANARY
from tests.worker.workshop import Workshop

pytestmark = pytest.mark.usefixtures("all_levels")


def of(kind: Any, value: Callable[[Any], str] = lambda login: login.word) -> Callable[..., Any]:
    """A task that takes such a value, and tells its secret."""

    async def tell(run: Run, login: Any, how: str) -> object:
        return tell_secret(run, value(login), how)

    tell.__annotations__["login"] = kind
    return tell


def in_thread(run: Run, login: vault.Struct, how: str) -> object:
    return tell_secret(run, login.word, how)


async def told(shop: Workshop, task: str, login: Any, how: str) -> tuple[Job, Any]:
    """The job that was asked for with `login`, and all that it has told."""
    args = json.dumps({"login": login, "how": how}).encode()
    async with shop.working():
        job = await shop.enqueue(task, args=args)
        shown = await shop.until(job, has_run, promote=False)
        lines = await shop.lines(job, 3)
    return shown, (shown, await shop.attempts(job), lines, shop.events)


ANN = {"user": "ann"}


@pytest.mark.parametrize(
    ("function", "login"),
    [
        (of(vault.Plain), ANN),
        (of(vault.Made), ANN),
        (of(vault.Late), ANN),
        (of(vault.Struct), ANN),
        (of(vault.Tuple), ["ann"]),
        (of(vault.Model), ANN),
        (of(vault.Locked), ANN),
        (of(vault.Changed), ANN | {"word": "c4"}),
        (of(vault.Outer), ANN),
        (of(vault.Outer), ANN | {"inner": None, "more": [ANN, ANN]}),
        (of(list[vault.Plain], lambda each: each[-1].word), [ANN | {"word": "x"}, ANN]),
        (of(dict[str, vault.Made], lambda each: each["a"].word), {"a": ANN}),
        (of(vault.Model | None), ANN),
        (of(vault.Plain | str), ANN),
        (of(Secret[vault.Plain]), ANN),
    ],
    ids=lambda each: "" if callable(each) else None,
)
async def test_a_default_of_a_field_is_hidden(
    shop: Workshop, function: Callable[..., Any], login: Any
) -> None:
    shown, all_told = await told(shop, shop.task(function), login, "raise")

    assert unseen(*all_told)
    assert shown.reason == "KeyError: '***'"


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(
    ("function", "isolate"),
    [
        (of(vault.Made), None),
        (in_thread, None),
        (vault.tell_made, "process"),
        (vault.tell_locked, "process"),
        (vault.tell_model_soon, "process"),
    ],
    ids=["coroutine", "thread", "process", "process hidden", "process coroutine"],
)
async def test_nothing_that_a_run_tells_has_a_default_of_a_field_in_it(
    shop: Workshop, function: Callable[..., Any], isolate: str | None, how: str
) -> None:
    _, all_told = await told(shop, shop.task(function, isolate=isolate), ANN, how)

    assert unseen(*all_told)
    assert "it is ***" in repr(all_told)


@dataclass
class Strict:
    """What it says of itself when it is wrong has its secrets in it."""

    user: str
    word: Secret[str] = CANARY
    made: Secret[str] = field(default_factory=lambda: f"{CANARY} made")

    def __post_init__(self) -> None:
        """Refuse some."""
        if self.user == "odd":
            raise ValueError(f"{self} is odd")
        if self.user == "lost":
            raise LookupError(f"{self} is lost")


class StrictModel(pydantic.BaseModel):
    """The same as a model."""

    user: str
    word: Secret[str] = CANARY

    @pydantic.model_validator(mode="after")
    def check(self) -> StrictModel:
        """Refuse some."""
        if self.user == "odd":
            raise ValueError(f"{self!r} is odd")
        if self.user == "lost":
            raise LookupError(f"{self!r} is lost")
        return self


class StrictStruct(msgspec.Struct):
    """The same as a struct in a struct."""

    login: Strict
    word: Secret[str] = CANARY


@pytest.mark.parametrize("user", ["odd", "lost"])
@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        (Strict, "{}"), (StrictModel, "{}"), (list[StrictModel], "[{}]"),
        (Strict | None, "{}"), (StrictStruct, '{{"login": {}}}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_error_while_arguments_are_read_has_no_default_in_it(
    shop: Workshop, kind: Any, inside: str, user: str
) -> None:
    args = '{"login": ' + inside.format(json.dumps({"user": user})) + ', "how": "raise"}'
    async with shop.working():
        job = await shop.enqueue(shop.task(of(kind)), args=args.encode())
        shown = await shop.ended(job)

    assert f"*** is {user}" in str(shown.reason).replace("')", "").replace("'", "")
    assert unseen(shown, await shop.attempts(job), shop.events)


class Teller(Middleware):
    """Tells of whatever is raised within it."""

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """Tell of errors."""
        try:
            return await proceed()
        except Exception as error:
            run.log.info(f"raised {error!r}")
            logging.getLogger("bank").exception("it is raised")
            raise RuntimeError(f"told {error!r}") from error


@pytest.mark.parametrize("function", [of(vault.Made), vault.tell_locked], ids=["soon", "process"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_run_around_a_task_tells_no_default(
    shop: Workshop, function: Callable[..., Any]
) -> None:
    shop.registry.around = (Teller(),)
    isolate = "process" if function is vault.tell_locked else None

    shown, all_told = await told(shop, shop.task(function, isolate=isolate), ANN, "raise")

    assert shown.reason is not None
    assert shown.reason.startswith("RuntimeError: told KeyError(")
    assert unseen(*all_told)
