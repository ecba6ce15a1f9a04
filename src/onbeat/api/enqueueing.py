"""A job that a body asks for: whether who asks may, and the options of its call."""

from __future__ import annotations

from typing import Any, Literal

from onbeat.api.schemas.jobs import JobIn, JobLimitIn, RetryIn, UniqueIn
from onbeat.app.options import Options, check_options, read_options
from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import Forbidden, InvalidInput
from onbeat.domain.limits import Limit
from onbeat.domain.naming import named
from onbeat.domain.retries import Retry
from onbeat.domain.uniqueness import Unique
from onbeat.domain.user_schedules import BUILT_IN
from onbeat.runtime.tasks import HTTP, SHELL

READ_HERE = {"task", "args", "key", "unique", "retry", "limits"}


NEEDED_FOR = {SHELL: Permission.CODE_RUN, HTTP: Permission.WEBHOOKS_WRITE}
"""Built-in tasks that do what they are given, and what one needs to give it to them."""


def need_for(asker: Principal, *tasks: str) -> None:
    """Raise Forbidden where a built-in task is to do what somebody gives it who may not."""
    for task in tasks:
        if task in NEEDED_FOR:
            asker.need(NEEDED_FOR[task])


def refuse_forbidden(asker: Principal, body: JobIn) -> None:
    """Raises Forbidden where who may enqueue may not enqueue that."""
    need_for(asker, body.task)
    if body.task.startswith(BUILT_IN):
        raise Forbidden(f"the task {body.task} is the product's own; jobs of it come by themselves")
    if body.limits:
        asker.need(Permission.QUEUES_MANAGE)  # a limit is everybody's, and this says what it allows


def options_of(body: JobIn) -> Options:
    """The options. Raises InvalidInput that names the field within the body."""
    given: dict[str, Any] = body.model_dump(
        include=set(JobIn.model_fields) - READ_HERE, exclude_none=True
    )
    return check_options(
        read_options(
            **given,
            unique=_unique(body),
            retry=None if body.retry is None else _retry(body.retry),
            limits=None if body.limits is None else _limits(body.limits),
        )
    )


def _unique(body: JobIn) -> Unique | Literal[False] | None:
    said = body.unique
    if body.key is not None:
        if said is not None:
            raise InvalidInput("unique", "it is given together with key; give one of them")
        return Unique(key=body.key)
    if not isinstance(said, UniqueIn):
        return said
    with named("unique."):
        return Unique(
            by=None if said.by is None else tuple(said.by), key=said.key, until=said.until,
            within=said.within, on_conflict="replace" if said.replace else "keep",
        )  # fmt: skip


def _retry(said: RetryIn) -> Retry:
    with named("retry."):
        return Retry(**said.model_dump())


def _limits(said: list[JobLimitIn]) -> list[Limit]:
    found = []
    for number, each in enumerate(said):
        with named(f"limits.{number}.", limit="concurrency"):
            found.append(Limit(**each.model_dump()))
    return found
