"""The built-in task `http`: its job is a request to a target that somebody gave.

It goes where webhooks may go, by the same rules, and to no inner address but those that the
operator allows. It is there where the setting ONBEAT_HTTP_TASK says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from onbeat.domain.error_classes import Permanent
from onbeat.domain.errors import InvalidInput
from onbeat.domain.http_targets import (
    LONGEST_TIMEOUT,
    HttpAnswered,
    HttpFailed,
    HttpRefused,
    HttpRequest,
    failure_of,
    read_request,
    result_of,
)
from onbeat.domain.jobs import DEFAULT_PRIORITY, DEFAULT_QUEUE
from onbeat.domain.requests import RequestKind, RequestOutcome
from onbeat.domain.retries import Retry
from onbeat.domain.secrets import Secret
from onbeat.outbound.client import Answer, Bounds, Client, Unanswered
from onbeat.outbound.tally import Tally
from onbeat.outbound.targets import Rules
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import HTTP, Definition, define

RETRY = Retry(8, base="5s", cap="15m")
"""Over about ten minutes in all."""

TIMEOUT = LONGEST_TIMEOUT + timedelta(seconds=30)
"""Of an attempt: the longest request there is, and what is around it."""


async def _send(run: Run, request: HttpRequest, rules: Rules, tally: Tally) -> Answer:
    """Send it. Raises HttpFailed, HttpRefused."""
    bounds = replace(Bounds(), total=request.timeout.total_seconds())
    try:
        headers = request.signed(run.job, run.now)
        client = Client(rules, bounds=bounds)
        return await client.send(request.method, request.url, request.body, headers)
    except Unanswered as error:
        tally.count(RequestKind.HTTP, RequestOutcome.AGAIN, error.seconds)
        raise HttpFailed(str(error)) from None
    except InvalidInput as error:  # also where it may not go
        raise HttpRefused(str(error)) from None


def _outcome(error: Exception | None) -> RequestOutcome:
    if error is None:
        return RequestOutcome.SENT
    is_final = isinstance(error, Permanent)
    return RequestOutcome.REFUSED if is_final else RequestOutcome.AGAIN


def http_definition(rules: Rules | None = None, tally: Tally | None = None) -> Definition:
    """The task as an application registers it, which sends by `rules` and counts with `tally`."""
    allowed, counting = rules or Rules(), tally or Tally()

    async def http(
        run: Run,
        url: str,
        *,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        secret_headers: Secret[dict[str, str] | None] = None,
        body: Any = None,
        timeout: str = "20s",  # noqa: ASYNC109 - as an argument of a job, for its request
        secret: Secret[str | None] = None,
    ) -> HttpAnswered:
        try:
            said = (url, method, headers, secret_headers, body, timeout, secret)
            request = read_request(*said)
        except InvalidInput as error:
            raise HttpRefused(str(error)) from None
        answer = await _send(run, request, allowed, counting)
        failure = failure_of(
            answer.status, answer.retry_after, answer.location, answer.body, run.now
        )
        counting.count(RequestKind.HTTP, _outcome(failure), answer.seconds)
        run.log.info(f"{request.method} was answered {answer.status} in {answer.seconds:.2f} s")
        if failure is not None:
            raise failure
        return result_of(answer.status, answer.body, answer.seconds, is_cut=answer.is_cut)

    return define(
        http,
        name=HTTP,
        queue=DEFAULT_QUEUE,
        priority=DEFAULT_PRIORITY,
        timeout=TIMEOUT,
        retry=RETRY,
        isolate=None,
    )
