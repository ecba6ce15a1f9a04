"""The client itself: from what a task asks to an answer, in named steps.

read the call → an answer that is kept? → begin by the rate → have a connection → let through by
the breaker → send → judge → once more, or give it to the job's own retries
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import random
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypedDict, TypeVar, Unpack

import msgspec

from onbeat.domain.breakers import Breaker
from onbeat.domain.client_errors import (
    AnswerUnreadable,
    ApiAnswer,
    Asked,
    CallError,
    CallRefused,
    CallUnanswered,
    errors_in,
    held_back,
    query_error,
    trouble_in,
)
from onbeat.domain.clients import (
    IDEMPOTENCY_KEY,
    REQUEST_ID,
    ClientRules,
    check_headers,
    check_method,
    is_repeatable,
    is_token,
    only_reads,
    place_at,
    shown_path,
    wait_before_next,
)
from onbeat.domain.durations import read_duration
from onbeat.domain.error_classes import Permanent
from onbeat.domain.errors import InvalidInput
from onbeat.domain.requests import OF_CLIENT, RequestOutcome
from onbeat.domain.secrets import Scrub
from onbeat.outbound.client import Unanswered
from onbeat.outbound.pool import Busy, Came, Pool, Unsendable
from onbeat.outbound.tally import Tally
from onbeat.runtime.clients.answers import Answers, key_of
from onbeat.runtime.clients.guard import Guard
from onbeat.runtime.clients.pace import Pace
from onbeat.runtime.run import Run, current_run

T = TypeVar("T")

Token = str | Callable[[], str | Awaitable[str]]
"""A service's token, or what gives it, asked before each request."""

WHILE_BUSY: Final = 1.0
"""Seconds for which a request is held back where no connection came free."""

_numbers = itertools.count(1)


class Surroundings(Protocol):
    """What a client needs of the application it is of."""

    tally: Tally

    def now(self) -> datetime:
        """The moment, also where no database is in reach."""
        ...

    def block(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` from sync code."""
        ...


class CallOptions(TypedDict, total=False):
    """What a call says beside method and path.

    `params` make the query; the body is `json`, or `body` as it is. `idempotency_key` is sent as
    the header Idempotency-Key, and lets a POST or PATCH be made again. `timeout` is in place of the
    client's own, and `fresh` asks the API also where an answer is kept.
    """

    params: Mapping[str, Any] | None
    json: Any
    body: bytes | None
    headers: Mapping[str, str] | None
    idempotency_key: str | None
    timeout: str | timedelta | None
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call, read and checked."""

    asked: Asked
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    rules: ClientRules
    is_repeatable: bool
    may_be_kept: bool
    run: Run | None

    @property
    def left(self) -> timedelta | None:
        """How long its job may still run."""
        return None if self.run is None else self.run.remaining


class ApiClient:
    """Asks one API: `answer = await api.get("/effects/42")`. Made by `ob.client`."""

    def __init__(
        self,
        rules: ClientRules,
        pool: Pool,
        around: Surroundings,
        *,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
        guard: Guard | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Ask by `rules` through `pool`, with `token` and `headers`, which are never shown."""
        self.rules = rules
        self._pool = pool
        self._around = around
        self._token = token
        self._headers = check_headers(headers)
        self._guard = guard
        self._pace = pace
        self._answers = Answers()
        self._randomness = random.Random()  # noqa: S311 - for jitter

    def __repr__(self) -> str:
        """Show its name and where it asks, and nothing secret."""
        return f"<ApiClient {self.rules.name} {self.rules.url}>"

    @property
    def name(self) -> str:
        """What it is called in logs, errors and figures."""
        return self.rules.name

    @property
    def breaker(self) -> Breaker | None:
        """Its breaker: a task that names it (`breakers=api.breaker`) does not even begin while it
        is open.
        """
        return self.rules.breaker

    async def get(self, path: str, **options: Unpack[CallOptions]) -> ApiAnswer:
        """Ask by GET. Raises CallError, CallHeldBack, InvalidInput."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Unpack[CallOptions]) -> ApiAnswer:
        """Ask by POST. Raises as `get` does."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Unpack[CallOptions]) -> ApiAnswer:
        """Ask by PUT. Raises as `get` does."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Unpack[CallOptions]) -> ApiAnswer:
        """Ask by PATCH. Raises as `get` does."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Unpack[CallOptions]) -> ApiAnswer:
        """Ask by DELETE. Raises as `get` does."""
        return await self.request("DELETE", path, **options)

    async def request(self, method: str, path: str, **options: Unpack[CallOptions]) -> ApiAnswer:
        """Ask by any method. Raises as `get` does."""
        return await self._carry_out(self._read(method, path, **options))

    def request_blocking(self, method: str, path: str, **options: Unpack[CallOptions]) -> ApiAnswer:
        """The same from code without an event loop, as a task that is no coroutine."""
        call = self._read(method, path, **options)
        return self._around.block(lambda: self._carry_out(call))

    async def graphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        path: str = "/graphql",
        **options: Unpack[CallOptions],
    ) -> Any:
        """The data that a GraphQL query has. Raises QueryFailed where there are errors, also beside
        data, and as `get` does.
        """
        return await self._query(self._read_query(query, variables, path, **options))

    def graphql_blocking(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        path: str = "/graphql",
        **options: Unpack[CallOptions],
    ) -> Any:
        """The same from code without an event loop."""
        call = self._read_query(query, variables, path, **options)
        return self._around.block(lambda: self._query(call))

    def _read(self, method: str, path: str, **options: Unpack[CallOptions]) -> _Call:
        """Check what was asked. Raises InvalidInput."""
        run, method = current_run.get(), check_method(method)
        url = place_at(self.rules.url, path, options.get("params"))
        key = _checked_key(options.get("idempotency_key"))
        given = check_headers(options.get("headers"))
        body, kind = _body_of(options)
        request_id = _request_id(run)
        headers = {
            "Accept": "application/json", **self._headers, **kind, **given,
            **({} if run is None else run.trace), REQUEST_ID: request_id,
            **({} if key is None else {IDEMPOTENCY_KEY: key}),
        }  # fmt: skip
        timeout = options.get("timeout")
        rules = self.rules
        if timeout is not None:
            rules = replace(rules, timeout=read_duration(timeout, "timeout"))
        is_kept = (
            rules.cache is not None and method == "GET" and not (given or options.get("fresh"))
        )
        return _Call(
            asked=Asked(rules.name, method, shown_path(path), request_id), url=url,
            headers=headers, body=body, rules=rules, is_repeatable=is_repeatable(method, key),
            may_be_kept=is_kept and body is None, run=run,
        )  # fmt: skip

    def _read_query(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        path: str,
        **options: Unpack[CallOptions],
    ) -> _Call:
        options["json"] = {"query": query, "variables": dict(variables or {})}
        options["body"] = None
        call = self._read("POST", path, **options)
        return replace(call, is_repeatable=call.is_repeatable or only_reads(query))

    async def _query(self, call: _Call) -> Any:
        try:
            answer = await self._carry_out(call)
        except CallRefused as error:
            refused = _refused_query(error, call.asked)
            raise error if refused is None else self._hidden(refused) from None
        said = answer.json()
        failed = query_error(said, call.asked, answer)
        if failed is not None:
            raise self._hidden(failed)
        return said["data"]

    def _hidden(self, error: CallError) -> CallError:
        """The error, without a token that the API has sent back."""
        if isinstance(self._token, str):
            error.args = (Scrub([self._token]).text(str(error)),)
        return error

    async def _carry_out(self, call: _Call) -> ApiAnswer:
        """The answer: one that is kept, or what asking comes to."""
        self._let_speak(call, job=False)
        if not call.may_be_kept:
            return await self._asked(call)
        headers, now = await self._with_token(call), asyncio.get_running_loop().time
        key, began = key_of(call.url, headers), now()
        fresh_for = (call.rules.cache or timedelta()).total_seconds()
        kept = self._answers.get(key, began, fresh_for, call.asked.request_id)
        if kept is not None:
            return kept
        answer = await self._asked(call, headers)
        self._answers.put(key, answer, began)
        return answer

    async def _asked(self, call: _Call, headers: Mapping[str, str] | None = None) -> ApiAnswer:
        """Ask until there is an answer, as often and as long as that is to be; the first time with
        `headers`, if there are.
        """
        for number in itertools.count(1):
            try:
                return await self._once(call, headers)
            except CallError as error:
                wait = self._wait_after(error, number, call)
                if wait is None:
                    raise
                if call.run is not None:
                    call.run.log.warning(f"{error}; again in {wait:.1f} s")
            headers = None
            await asyncio.sleep(wait)
        raise AssertionError  # never: it is counted without end

    def _wait_after(self, error: CallError, number: int, call: _Call) -> float | None:
        if not call.is_repeatable:
            return None
        now = self._around.now()
        return wait_before_next(call.rules, error, number, call.left, now, self._randomness)

    async def _once(self, call: _Call, headers: Mapping[str, str] | None) -> ApiAnswer:
        """One request. What it waits for here is ours, not the API's; the breaker is looked at
        before that, and after it, for it may have opened meanwhile.
        """
        if self._guard is not None:
            await self._guard.check()
        headers = headers or await self._with_token(call)
        if self._pace is not None:
            await self._pace.wait(call.rules.timeout)
        try:
            async with self._pool.place(call.rules.timeout.total_seconds()):
                return await self._guarded(call, headers)
        except Busy:
            many = f"all {self.rules.most_connections:,} connections were in use"
            told = f"{many} for {call.rules.timeout.total_seconds():g} s"
            raise held_back(self.rules.name, told, WHILE_BUSY) from None

    async def _guarded(self, call: _Call, headers: Mapping[str, str]) -> ApiAnswer:
        try:
            if self._guard is None:
                return await self._send(call, headers)
            return await self._guard.through(lambda: self._send(call, headers))
        except Unsendable as error:  # the breaker has heard nothing: the API was not asked
            told = f"cannot be sent ({error}); look at its URL and headers"
            raise CallRefused(told, call.asked) from None
        except asyncio.CancelledError:  # nor has it here: the job ran out of its own time, say
            self._let_speak(call, job=True)
            raise

    def _let_speak(self, call: _Call, *, job: bool) -> None:
        """Whether the job's end is to tell the breaker how the API is, or its requests do: it is
        they but where they are cut off, for what fails before them is ours.
        """
        if call.run is None or self._guard is None:
            return
        name = frozenset((self._guard.breaker.name,))
        heard = call.run.heard_breakers
        call.run.heard_breakers = heard - name if job else heard | name

    async def _send(self, call: _Call, headers: Mapping[str, str]) -> ApiAnswer:
        try:
            came = await self._pool.send(
                call.asked.method, call.url, headers, call.body,
                call.rules.timeout.total_seconds(), call.rules.largest_answer,
            )  # fmt: skip
        except Unanswered as unanswered:
            self._count(RequestOutcome.AGAIN, unanswered.seconds)
            raise CallUnanswered(f"came to nothing: {unanswered}", call.asked) from None
        answer, error = _judged(call, came)
        self._count(_outcome(error), came.seconds)
        if error is not None:
            raise error
        return answer

    async def _with_token(self, call: _Call) -> Mapping[str, str]:
        if self._token is None:
            return call.headers
        given = self._token if isinstance(self._token, str) else self._token()
        token = await given if inspect.isawaitable(given) else given
        if not is_token(token):
            told = "was not sent: its token is no printable text; see what the function returns"
            raise CallRefused(told, call.asked)
        return {**call.headers, "Authorization": f"Bearer {token}"}

    def _count(self, outcome: RequestOutcome, seconds: float) -> None:
        self._around.tally.count(f"{OF_CLIENT}{self.rules.name}", outcome, seconds)


def _judged(call: _Call, came: Came) -> tuple[ApiAnswer, CallError | None]:
    """The answer, and the error that it is, if it is one."""
    answer = ApiAnswer(
        status=came.status, request_id=call.asked.request_id, seconds=came.seconds,
        headers=came.headers, body=came.body,
    )  # fmt: skip
    error = trouble_in(answer, call.asked)
    if error is None and came.is_cut:
        told = f"was answered with more than {call.rules.largest_answer:,} bytes; ask for less, or"
        error = CallRefused(f"{told} raise largest_answer", call.asked, answer)
    return answer, error


def _refused_query(error: CallRefused, asked: Asked) -> CallError | None:
    """What GraphQL says of a query that it refused, where it does."""
    try:
        said = None if error.answer is None else error.answer.json()
    except AnswerUnreadable:
        return None
    if error.answer is None or not errors_in(said):
        return None
    return query_error(said, asked, error.answer)


def _outcome(error: CallError | None) -> RequestOutcome:
    if error is None:
        return RequestOutcome.SENT
    is_final = isinstance(error, Permanent)
    return RequestOutcome.REFUSED if is_final else RequestOutcome.AGAIN


def _request_id(run: Run | None) -> str:
    """Tells a request from all others, and whose it is."""
    return f"{uuid.uuid4().hex if run is None else run.job}-{next(_numbers)}"


def _checked_key(key: str | None) -> str | None:
    if key is not None and (not isinstance(key, str) or not key.isprintable() or not key.strip()):
        raise InvalidInput("idempotency_key", "it is no printable text; give a job's id, say")
    return key


def _body_of(options: CallOptions) -> tuple[bytes | None, dict[str, str]]:
    """What is sent, and the header that says what it is."""
    body, json = options.get("body"), options.get("json")
    if body is not None and json is not None:
        raise InvalidInput("body", "it is given together with json; give one of them")
    if json is None:
        return body, {}
    try:
        return msgspec.json.encode(json), {"Content-Type": "application/json"}
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise InvalidInput("json", f"it cannot be sent as JSON: {error}") from None
