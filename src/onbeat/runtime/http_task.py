"""The built-in task `http`: its job is a request to a target that somebody gave.

It goes where webhooks may go, by the same rules, and to no inner address but those that the
operator allows. It is there where the setting ONBEAT_HTTP_TASK says so. A target that answers 202
and calls back (domain/callbacks.py) is waited for without a worker: the job sleeps, and looks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from onbeat.domain.callbacks import HEADER, PURPOSE, Callback, next_look, path_of
from onbeat.domain.error_classes import Permanent
from onbeat.domain.errors import ExtraMissing, InvalidInput
from onbeat.domain.http_targets import (
    LONGEST_TIMEOUT,
    HttpAnswered,
    HttpFailed,
    HttpRefused,
    HttpRequest,
    failure_of,
    read_request,
    result_of,
    secrets_in,
)
from onbeat.domain.jobs import DEFAULT_PRIORITY, DEFAULT_QUEUE, JobId
from onbeat.domain.outcomes import Snooze
from onbeat.domain.requests import RequestKind, RequestOutcome
from onbeat.domain.retries import Retry
from onbeat.domain.secrets import Secret
from onbeat.outbound.client import Answer, Bounds, Client, Unanswered
from onbeat.outbound.tally import Tally
from onbeat.outbound.targets import Rules
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import HTTP, Definition, define
from onbeat.sealing import Vault
from onbeat.store import callbacks
from onbeat.store.store import Store

RETRY = Retry(8, base="5s", cap="15m")
"""Over about ten minutes in all."""

TIMEOUT = LONGEST_TIMEOUT + timedelta(seconds=30)
"""Of an attempt: the longest request there is, and what is around it."""


async def _nowhere() -> Store:
    raise HttpRefused("callback: this process has no database; leave it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSender:
    """What a job of the task has at hand."""

    rules: Rules = field(default_factory=Rules)
    tally: Tally = field(default_factory=Tally)
    store: Callable[[], Awaitable[Store]] = _nowhere
    vault: Vault = field(default_factory=lambda: Vault(()))
    public_url: str | None = None
    """Where targets reach the API, to call back."""

    async def run(self, run: Run, request: HttpRequest) -> HttpAnswered:
        """Make one attempt, or look whether it was called back. Raises HttpFailed, HttpRefused,
        HttpLimited; and Snooze while the target works.
        """
        if request.callback is None:
            return await self._send(run, request, {})
        store, job = await self.store(), run.job
        waiting = await store.read(partial(callbacks.find, job=job))
        if waiting is None or (waiting.accepted_at is None and waiting.said_at is None):
            where = {HEADER: self._callback_url(job)}
            await store.write(partial(callbacks.open_for, job=job, wait=request.callback))
            run.hide_also([*where.values(), *(each.rpartition("/")[2] for each in where.values())])
            answered = await self._send(run, request, where)
            if answered.status != HTTPStatus.ACCEPTED:
                return answered
            accept = partial(callbacks.accept, job=job, wait=request.callback)
            waiting = await store.write(accept)
        return await _heard(waiting, run.now, store)

    def _callback_url(self, job: JobId) -> str:
        if self.public_url is None:
            raise HttpRefused("callback: it needs to be known where the API is reached; set "
                              "ONBEAT_PUBLIC_URL where this worker runs")  # fmt: skip
        try:
            return self.public_url + path_of(self.vault.seal(job, PURPOSE))
        except (InvalidInput, ExtraMissing) as error:
            raise HttpRefused(f"callback: {error}") from None

    async def _send(self, run: Run, request: HttpRequest, more: dict[str, str]) -> HttpAnswered:
        answer = await self._answer(run, request, more)
        failure = failure_of(
            answer.status, answer.retry_after, answer.location, answer.body, run.now
        )
        self.tally.count(RequestKind.HTTP, _outcome(failure), answer.seconds)
        run.log.info(f"{request.method} was answered {answer.status} in {answer.seconds:.2f} s")
        if failure is not None:
            raise failure
        return result_of(answer.status, answer.body, answer.seconds, is_cut=answer.is_cut)

    async def _answer(self, run: Run, request: HttpRequest, more: dict[str, str]) -> Answer:
        client = Client(self.rules, bounds=replace(Bounds(), total=request.timeout.total_seconds()))
        try:
            headers = request.signed(run.job, run.now) | more
            return await client.send(request.method, request.url, request.body, headers)
        except Unanswered as error:
            self.tally.count(RequestKind.HTTP, RequestOutcome.AGAIN, error.seconds)
            raise HttpFailed(str(error)) from None
        except InvalidInput as error:  # also where it may not go
            raise HttpRefused(str(error)) from None


async def _heard(waiting: Callback, now: datetime, store: Store) -> HttpAnswered:
    """What the target has said when it called back. Raises HttpRefused where that is that it has
    failed, HttpFailed where its time is over, and Snooze until then.
    """
    if waiting.said_at is None and now >= waiting.expires_at:
        found = await store.write(partial(callbacks.expire, job=waiting.job))
        if found is None:
            raise HttpFailed("its target took it, and has not called back in time")
        waiting = found
    if waiting.said_at is None:
        until = f"{waiting.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        told = f"its target works on it, and has until {until} to call back"
        raise Snooze(next_look(waiting, now), told)
    if not waiting.is_done:
        raise HttpRefused(f"its target called back that it failed: {waiting.said}")
    seconds = (waiting.said_at - (waiting.accepted_at or waiting.said_at)).total_seconds()
    return HttpAnswered(
        status=HTTPStatus.ACCEPTED, body=waiting.said, is_cut=False,
        seconds=round(max(seconds, 0.0), 3),
    )  # fmt: skip


def _outcome(error: Exception | None) -> RequestOutcome:
    if error is None:
        return RequestOutcome.SENT
    is_final = isinstance(error, Permanent)
    return RequestOutcome.REFUSED if is_final else RequestOutcome.AGAIN


def http_definition(sender: HttpSender | None = None) -> Definition:
    """The task as an application registers it."""
    sending = sender or HttpSender()

    async def http(  # noqa: PLR0913 - a request has that many parts
        run: Run,
        url: str,
        *,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        secret_headers: Secret[dict[str, str] | None] = None,
        body: Any = None,
        timeout: str = "20s",  # noqa: ASYNC109 - as an argument of a job, for its request
        secret: Secret[str | None] = None,
        callback: str | None = None,
    ) -> HttpAnswered:
        try:
            request = read_request(
                url, method, headers, secret_headers, body, timeout, secret, callback
            )
        except InvalidInput as error:
            raise HttpRefused(str(error)) from None
        run.hide_also(secrets_in(secret_headers))
        return await sending.run(run, request)

    return define(
        http,
        name=HTTP,
        queue=DEFAULT_QUEUE,
        priority=DEFAULT_PRIORITY,
        timeout=TIMEOUT,
        retry=RETRY,
        isolate=None,
    )
