"""Runs one claimed job: a handful of named steps from the claim to the ack.

    find the task → read its arguments → perform → observe the outcome → decide → hand over the ack

Nothing a job does can end the slot it runs in: whatever comes of it is an outcome.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from onbeat.domain.attempts import Failure
from onbeat.domain.error_classes import Permanent
from onbeat.domain.errors import InvalidArguments, InvalidInput, StoreError
from onbeat.domain.events import Emit, JobEnded, JobStarted, TasksUnknown, discard
from onbeat.domain.jobs import MAX_ARGUMENT_BYTES, ClaimedJob, made_at
from onbeat.domain.json_numbers import steady
from onbeat.domain.meters import Meter
from onbeat.domain.outcomes import (
    Ack,
    Cancel,
    Cancelled,
    Failed,
    Interrupted,
    Outcome,
    Snooze,
    Snoozed,
    Succeeded,
    decide,
    time_for_others,
)
from onbeat.domain.reasons import NOBODY_KNOWS
from onbeat.domain.retries import Retry, retry_from_spec
from onbeat.domain.secrets import Scrub, mask
from onbeat.runtime.hiding import forget, remember
from onbeat.runtime.models import encode_model
from onbeat.runtime.result_secrets import is_plain, places_of
from onbeat.runtime.run import Run, storable_json
from onbeat.runtime.tasks import Definition, Registry, enabling
from onbeat.runtime.worker.breakers import BreakerWatch
from onbeat.runtime.worker.decoding import decode_for
from onbeat.runtime.worker.results import Wanted, with_results
from onbeat.runtime.worker.runners import Runners
from onbeat.runtime.worker.runners.coroutine import run_around
from onbeat.runtime.worker.running import Running, outcome_of_ending
from onbeat.store.payloads import secrets_in
from onbeat.store.store import Store
from onbeat.store.texts import storable

DONE = Succeeded()

RAN, WAITED = Meter.RAN, Meter.WAITED
"""What every job is counted on: 0.05 us each by a name of ours, 0.18 through the enum."""

LONGEST_TRACEBACK = 16_384
LONGEST_MESSAGE = 4_096


class InvalidResult(InvalidInput, Permanent):
    """A result that cannot be stored; running the job again would not change that."""


class Executor:
    """Turns claimed jobs into acks."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        runners: Runners,
        told: Callable[[Run], None],
        emit: Emit = discard,
        breakers: BreakerWatch | None = None,
        is_draining: Callable[[], bool] = bool,
    ) -> None:
        """Run tasks of `registry`; `told` hears which runs have something to store, and
        `is_draining` says whether the worker is about to end.
        """
        self._breakers = breakers
        self._registry = registry
        self._runners = runners
        self._emit = emit
        self._is_heard = emit is not discard
        self._store = store
        self._randomness = store.randomness
        self._counting = store.counting
        self.running: dict[int, Running] = {}
        """What runs now, by token."""
        self.now: Callable[[], datetime] = store.timing.now
        self.monotonic = store.timing.monotonic
        self.told = told
        self.is_draining = is_draining

    async def execute(self, job: ClaimedJob, slot: asyncio.Task[None] | None) -> Ack:
        """Run `job` to its end in the task `slot`, and say what becomes of it."""
        definition = self._registry.get(job.task)
        if definition is None:
            self._emit(TasksUnknown((job.task,)))
            reason = f"{NOBODY_KNOWS} {job.task!r}{enabling(job.task)}"
            return self._leave_to_others(job, reason)
        timeout, retry, results = definition.timeout, definition.retry, None
        if job.options is not None:
            try:
                timeout, retry = options_of(job.options, timeout, retry)
                results = results_of(job.options)
            except Exception as error:  # a newer Onbeat's, or a damaged row: not this job's fault
                reason = f"no worker here can read its options: {type(error).__name__}: {error}"
                return self._leave_to_others(job, reason[:500])
        is_plain = results is None and not definition.breakers
        filled = job if is_plain else await self._prepared(definition, job, results, retry)
        if isinstance(filled, Ack):
            return filled
        job = filled
        began = self.monotonic()
        deadline = None if timeout is None else began + timeout.total_seconds()
        may_hide = job.options is not None or definition.arguments.secrets
        scrub = _scrub_of(definition, job) if may_hide else None
        running = Running(Run(job, deadline, self, scrub), timeout, slot)
        self.running[job.token] = running
        self._begin(job)
        try:
            outcome = await self._outcome(definition, job, running)
        finally:
            del self.running[job.token]
            forget(scrub)
            if running.ending is not None:
                running.settle()
        ack = decide(
            outcome,
            token=job.token,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            retry=retry,
            randomness=self._randomness,
        )
        self._after(definition, job, running, ack, self.monotonic() - began)
        return ack

    def _begin(self, job: ClaimedJob) -> None:
        """Count how long it waited, and tell that it begins."""
        if job.attempt == 1 and job.waited is not None:
            self._counting.took(WAITED, (job.queue,), job.waited / 1e6)
        if self._is_heard:
            self._emit(JobStarted(job.id, job.task, job.attempt))

    def count(self, job: ClaimedJob, ack: Ack, seconds: float) -> None:
        """Count an attempt that took so long."""
        self._counting.took(RAN, (job.queue, job.task, ack.outcome), seconds)

    def _after(
        self, definition: Definition, job: ClaimedJob, running: Running, ack: Ack, seconds: float
    ) -> None:
        """Count it; let those hear of the end who want to: breakers, and who listens to events."""
        if not running.is_given_up:
            self.count(job, ack, seconds)
        if definition.breakers and self._breakers is not None:
            heard = running.run.heard_breakers
            names = [each.name for each in definition.breakers if each.name not in heard]
            self._breakers.ended(names, ack, seconds)
        if self._is_heard and not running.is_given_up:
            self._tell(job, ack, seconds)

    async def _outcome(self, definition: Definition, job: ClaimedJob, running: Running) -> Outcome:
        try:
            if self._registry.around:
                result = await self._perform_around(definition, job, running)
            else:
                kwargs = _kwargs_of(definition, job, running.run)
                result = await self._runners.perform(definition, running, kwargs, copy_context())
            return DONE if result is None else Succeeded(_kept(result, definition, running.run))
        except asyncio.CancelledError as error:
            return self._after_cancel(running, error)
        except Snooze as asked:
            return Snoozed(asked.delay, running.run.hide(asked.reason))
        except Cancel as asked:
            if running.ending is not None:
                return self._after_cancel(running, asked)
            return Cancelled(running.run.hide(asked.reason))
        except BaseException as error:
            # SystemExit too: a job that calls sys.exit() ends itself, not its worker.
            return Failed(error, failure_of(error, running.run.hide), self.now())

    async def _perform_around(
        self, definition: Definition, job: ClaimedJob, running: Running
    ) -> Any:
        """The task within what is to be run around it, all in one context of the job's own."""

        async def task() -> Any:
            kwargs = _kwargs_of(definition, job, running.run)
            return await self._runners.perform(definition, running, kwargs, copy_context())

        return await run_around(self._registry.around, running.run, task, copy_context())

    def _after_cancel(self, running: Running, error: BaseException) -> Outcome:
        """Why the job was cancelled: by us, for a reason we know, or by itself."""
        if running.ending is None:
            return Failed(error, failure_of(error, running.run.hide))
        return outcome_of_ending(running, running.ending, abandoned=running.is_abandoned)

    async def _prepared(
        self, definition: Definition, job: ClaimedJob, results: Wanted | None, retry: Retry
    ) -> ClaimedJob | Ack:
        """The job, ready to begin; how it goes back where it may not, or cannot."""
        if definition.breakers and self._breakers is not None:
            shut = await self._breakers.keeps_from(definition.breakers)
            if shut is not None:  # it was claimed before that opened
                return not_begun(job, f"breaker {shut} is not closed")
        return job if results is None else await self._with_results(job, results, retry)

    def _leave_to_others(self, job: ClaimedJob, reason: str) -> Ack:
        """Put it off, without the attempt counting."""
        outcome = Snoozed(time_for_others(self.now() - made_at(job.id)), reason)
        return decide(
            outcome, token=job.token, attempt=job.attempt, max_attempts=job.max_attempts,
            retry=Retry(), randomness=self._randomness,
        )  # fmt: skip

    async def _with_results(
        self, job: ClaimedJob, results: Wanted, retry: Retry
    ) -> ClaimedJob | Ack:
        """The job with the results it takes; what becomes of it where they are not to be had."""
        outcome: Outcome
        try:
            return await with_results(self._store, job, results)
        except StoreError as error:
            outcome = Interrupted(f"the results it takes could not be read: {error}")
        except InvalidArguments as error:
            outcome = Failed(error, failure_of(error))
        return decide(
            outcome, token=job.token, attempt=job.attempt, max_attempts=job.max_attempts,
            retry=retry, randomness=self._randomness,
        )  # fmt: skip

    def _tell(self, job: ClaimedJob, ack: Ack, seconds: float) -> None:
        self._emit(
            JobEnded(
                job.id,
                job.task,
                job.attempt,
                job.max_attempts,
                ack.outcome,
                ack.move,
                timedelta(seconds=seconds),
                ack.reason,
                ack.delay,
                None if ack.failure is None else ack.failure.error_class,
            )
        )


def not_begun(job: ClaimedJob, why: str) -> Ack:
    """How a job goes back that was claimed and has not begun: its attempt does not count."""
    return Ack(
        token=job.token, move="release", outcome="interrupted", spent=job.attempt - 1,
        reason=f"not begun: {why}",
    )  # fmt: skip


def stopped_unbegun(job: ClaimedJob, reason: str) -> Ack:
    """How a job ends that was stopped between its claim and its beginning."""
    return Ack(
        token=job.token, move="stop", outcome="cancelled", spent=job.attempt - 1, reason=reason
    )


_results = msgspec.json.Encoder(enc_hook=encode_model)


def _kept(result: Any, definition: Definition, run: Run) -> str:
    """The JSON of a result, its secrets hidden: who waits for it gets `***` in their place."""
    return run.hide_in_json(json_of_result(result, definition, definition.max_payload))


def json_of_result(result: Any, definition: Definition, limit: int) -> str:
    """The JSON of what a task returned, without what is secret by its type. Raises InvalidResult.

    `limit` is in bytes.
    """
    encoded = storable_json(encode_result(result, limit))
    places = definition.result_secrets
    if not definition.result_is_plain and not is_plain(result):
        places = (*places, *dict.fromkeys(places_of(result)))
    return mask(encoded, places)


def encode_result(result: Any, limit: int = MAX_ARGUMENT_BYTES) -> bytes:
    """The JSON of what a task returned. Raises InvalidResult."""
    try:
        encoded = steady(_results.encode(result))
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise InvalidResult("result", f"it cannot be stored as JSON: {error}") from error
    if len(encoded) > limit:
        raise InvalidResult(
            "result", f"{len(encoded)} bytes of JSON, at most {limit} are kept; store the data "
            "elsewhere and return its address, or raise ONBEAT_MAX_PAYLOAD",
        )  # fmt: skip
    return encoded


@lru_cache(maxsize=1_000)
def _read_options(text: str) -> tuple[timedelta | None, Retry | None, Wanted | None]:
    options = msgspec.json.decode(text)
    timeout = options.get("timeout")
    retry = options.get("retry")
    return (
        None if timeout is None else timedelta(seconds=timeout),
        None if retry is None else retry_from_spec(retry),
        options.get("results"),
    )


def options_of(
    text: str, timeout: timedelta | None, retry: Retry
) -> tuple[timedelta | None, Retry]:
    """The job's own timeout and retry, or those of its task."""
    own_timeout, own_retry, _ = _read_options(text)
    return own_timeout or timeout, own_retry or retry


def results_of(text: str) -> Wanted | None:
    """Which of the job's arguments are results of others; None where none are."""
    return _read_options(text)[2]


def _scrub_of(definition: Definition, job: ClaimedJob) -> Scrub | None:
    """What hides the job's secrets: those of the task now, and those it had when it was stored."""
    scrub = definition.arguments.scrub(job.args, secrets_in(job.options))
    if scrub is not None:
        remember(scrub)
    return scrub


def _kwargs_of(definition: Definition, job: ClaimedJob, run: Run) -> dict[str, Any]:
    """What to call the function with."""
    return decode_for(run, definition.arguments, job.args, secrets_in(job.options))


def failure_of(error: BaseException, hide: Callable[[str], str] = str) -> Failure:
    """What is kept of an error: text without secrets, cut where it is long."""
    try:
        message = str(error)
    except Exception:
        message = "<its message could not be made>"
    told = getattr(error, "remote_traceback", "") or "".join(
        traceback.format_exception(error, limit=-20)
    )
    return Failure(
        type=type(error).__name__,
        message=hide(storable(message))[:LONGEST_MESSAGE],
        traceback=hide(storable(told))[-LONGEST_TRACEBACK:],
    )
