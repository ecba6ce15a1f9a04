"""What a run tells never has the job's secrets in it: errors, logs, progress, results, events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pydantic
import pytest

from onbeat import Cancel, Run, Secret, Snooze
from onbeat.domain.jobs import Job
from onbeat.domain.states import State
from onbeat.runtime.lost_errors import log_lost_error
from onbeat.store.store import Store
from tests.worker import isolated, vault
from tests.worker.workshop import Workshop

CANARY = 'c4nary "quoted" ü'
FRAGMENTS = ("c4nary", "quoted")
HOWS = ("return", "raise", "raise long", "cancel", "snooze", "group")


def unseen(*told: object) -> bool:
    return not any(fragment in repr(each) for each in told for fragment in FRAGMENTS)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(
    ("function", "isolate"),
    [
        (isolated.tell_secret_soon, None),
        (isolated.tell_secret, None),
        (isolated.tell_secret, "process"),
    ],
    ids=["coroutine", "thread", "process"],
)
@pytest.mark.usefixtures("all_levels")
async def test_nothing_that_a_run_tells_has_a_secret_in_it(
    shop: Workshop, function: Callable[..., Any], isolate: str | None, how: str
) -> None:
    task = shop.task(function, isolate=isolate)
    async with shop.working():
        job = await shop.enqueue(task, CANARY, how)
        shown = await shop.until(job, has_run, promote=False)
        lines = await shop.lines(job, 3)

    attempts = await shop.attempts(job)
    assert unseen(shown, attempts, lines, shop.events)
    assert "it is ***" in repr(lines)


def has_run(job: Job) -> bool:
    return job.state.is_final or job.state is State.SCHEDULED


async def test_progress_is_told_without_secrets(shop: Workshop) -> None:
    done = asyncio.Event()

    async def tell(run: Run, word: Secret[str]) -> None:
        run.progress(0.5, f"with {word}")
        await done.wait()

    task = shop.task(tell)
    async with shop.working():
        shown = await shop.until(await shop.enqueue(task, CANARY), lambda job: job.note is not None)
        done.set()

    assert shown.note == "with ***"


class Token(pydantic.BaseModel):
    """A model that hides a field by itself."""

    key: pydantic.SecretStr
    raw: pydantic.SecretBytes = pydantic.SecretBytes(b"")


class Login(msgspec.Struct):
    """A struct with a marked field."""

    word: Secret[str]


async def test_a_field_that_is_secret_in_a_result_is_kept_hidden(shop: Workshop) -> None:
    async def log_in() -> list[Login]:
        return [Login(CANARY)]

    async def issue() -> Token:
        return Token(key=pydantic.SecretStr(CANARY))

    async def hide() -> object:
        return [Token(key=pydantic.SecretStr(CANARY)), pydantic.SecretStr(CANARY)]

    async with shop.working():
        results = [
            await shop.result(await shop.enqueue(shop.task(each))) for each in (log_in, issue, hide)
        ]

    assert unseen(results)
    assert msgspec.json.decode(results[0] or "") == [{"word": "***"}]


async def test_the_task_itself_gets_its_secrets_as_they_were_given(shop: Workshop) -> None:
    got: list[object] = []

    async def take(
        word: Secret[str], token: Token, hidden: pydantic.SecretStr, raw: pydantic.SecretBytes
    ) -> None:
        got.extend((word, token.key.get_secret_value(), token.raw.get_secret_value()))
        got.extend((hidden.get_secret_value(), raw.get_secret_value()))

    secret = pydantic.SecretStr(CANARY)
    raw = pydantic.SecretBytes(b"\xff\x00")
    token = Token(key=secret, raw=pydantic.SecretBytes(b"raw"))
    async with shop.working():
        await shop.ended(await shop.enqueue(shop.task(take), CANARY, token, secret, raw))

    assert got == [CANARY, CANARY, b"raw", CANARY, b"\xff\x00"]


async def test_a_default_that_is_secret_is_hidden_too(shop: Workshop) -> None:
    async def take(run: Run, word: Secret[str] = CANARY) -> str:
        run.log.info(word)
        return word

    task = shop.task(take)
    async with shop.working():
        job = await shop.enqueue(task)
        result = await shop.result(job)
        lines = await shop.lines(job, 1)

    assert unseen(result, lines)


async def test_stored_arguments_that_no_longer_fit_are_not_told(
    shop: Workshop, live_store: Store
) -> None:
    async def take(number: Secret[int], model: Token) -> None:
        """Took text before."""

    args = msgspec.json.encode({"number": CANARY, "model": {"key": {"odd": CANARY}}})
    task = shop.task(take)
    async with shop.working():
        job = await shop.enqueue(task, args=args)
        shown = await shop.ended(job)

    assert shown.state is State.FAILED
    assert "no longer fit" in str(shown.reason)
    assert unseen(shown, await shop.attempts(job), shop.events)


async def test_what_was_secret_when_it_was_stored_stays_so_when_the_code_forgets(
    shop: Workshop,
) -> None:
    async def take(word: str) -> str:
        return word

    task = shop.task(take)
    async with shop.working():
        job = await shop.enqueue(task, CANARY, secrets=(("word",),))
        result = await shop.result(job)

    assert result == '"***"'
    assert unseen(await shop.show(job))


@pytest.mark.parametrize("isolate", [None, "process"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_a_loop_logs_of_a_lost_callback_has_no_half_of_a_secret(
    shop: Workshop, isolate: str | None
) -> None:
    asyncio.get_running_loop().set_exception_handler(log_lost_error)
    task = shop.task(vault.lose_soon, isolate=isolate)
    async with shop.working():
        job = await shop.enqueue(task, CANARY * 5)
        lines = await shop.lines(job, 1)

    assert unseen(lines)
    assert "Exception in callback int" in repr(lines)


@pytest.mark.parametrize("cancels", [Cancel, partial(Snooze, timedelta(hours=1))])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_reason_that_is_no_text_has_no_secret_in_it(
    shop: Workshop, cancels: Callable[[Any], Exception]
) -> None:
    async def give_up(word: Secret[str]) -> None:
        raise cancels(ValueError(word))

    async with shop.working():
        job = await shop.enqueue(shop.task(give_up), CANARY)
        shown = await shop.until(job, has_run, promote=False)

    assert shown.reason == "***"


@pytest.mark.parametrize("isolate", [None, "process"])
@pytest.mark.parametrize("how", ["struct", "list", "dict", "inside", "bare"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_field_that_is_secret_is_hidden_in_a_result_of_no_told_type(
    shop: Workshop, how: str, isolate: str | None
) -> None:
    task = shop.task(vault.give, isolate=isolate)
    async with shop.working():
        result = await shop.result(await shop.enqueue(task, args=msgspec.json.encode({"how": how})))

    assert unseen(result)
    assert "***" in str(result)
    assert "ann" in str(result)
