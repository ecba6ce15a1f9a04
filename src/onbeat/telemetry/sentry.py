"""Errors of jobs for Sentry, what led to them, and check-ins of schedules.

Switched on by `ob.middleware(Sentry(ob))` (extra `sentry`), beside an `sentry_sdk.init(…)` of the
program's own, without which nothing is told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, TypeVar

import sentry_sdk
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.scope import Scope, add_global_event_processor, global_event_processors
from sentry_sdk.utils import event_from_exception

from onbeat.app.calls import Call
from onbeat.app.middleware import Middleware
from onbeat.app.onbeat import Onbeat
from onbeat.domain.attempts import LogLine
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.outcomes import Ack
from onbeat.domain.schedules import Schedule
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import Proceed
from onbeat.runtime.worker.executor import options_of
from onbeat.telemetry.ends import end_of
from onbeat.telemetry.monitors import monitor_of, slug_of
from onbeat.telemetry.origins import schedule_name_of, schedule_of
from onbeat.telemetry.unsecret import without_secrets

R = TypeVar("R")

FOR_GOOD: Final = "bury"
"""The move of a job that is not run again."""

CHECKED = {"complete": "ok", FOR_GOOD: "error", "stop": "error"}
"""How a check-in ends, by the move that ends its job; others run the job again."""

LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error"}
OWN_LOGS = "onbeat.events"
"""Where Onbeat logs what happens: `job.failed` there is what is told here already."""


class Sentry(Middleware):
    """Tells Sentry of each job that failed for good, and checks in for schedules.

    With `every_attempt`, of attempts that are tried again too, as warnings. `margin` is how late a
    check-in may be. What a job logs and enqueues are breadcrumbs of its errors. Secret arguments
    are in none of it, nor in what the program tells Sentry itself.
    """

    def __init__(
        self,
        ob: Onbeat,
        *,
        every_attempt: bool = False,
        check_ins: bool = True,
        margin: str | timedelta = "5m",
    ) -> None:
        """Tell of what `ob` runs. Raises InvalidInput."""
        self._ob = ob
        self._every_attempt = every_attempt
        self._check_ins = check_ins
        self._margin = read_duration(margin, "margin")
        if self._margin < timedelta():
            raise InvalidInput("margin", f"{margin!r} is negative; give 0s or more")
        self._versions: dict[str, int] = {}
        """Of each monitor, the version of its schedule that Sentry was told of."""
        ignore_logger(OWN_LOGS)
        if without_secrets not in global_event_processors:
            add_global_event_processor(without_secrets)

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """Leave a breadcrumb."""
        queue = call.options.queue or call.definition.queue
        sentry_sdk.add_breadcrumb(category="onbeat.enqueue", message=call.task,
                                  data={"queue": queue})  # fmt: skip
        return call

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """Run the task in a scope of its own."""
        if not sentry_sdk.is_initialized():
            return await proceed()
        with sentry_sdk.isolation_scope() as scope:
            _describe(scope, run)
            schedule = await self._checked_in(run)
            try:
                result = await proceed()
            except GeneratorExit:  # nobody waits for it any longer, so it cannot wait either
                raise
            except BaseException as error:
                await self._ended(run, error, schedule)
                raise
            await self._ended(run, None, schedule)
            return result

    async def _checked_in(self, run: Run) -> Schedule | None:
        """Say that a run of a schedule has begun; the schedule, where it has a monitor."""
        if not self._check_ins or run.occurrence_at is None:
            return None
        with sentry_sdk.isolation_scope():  # what is read here is no breadcrumb of the job's
            schedule = await schedule_of(self._ob, run)
        if schedule is None or run.now - run.occurrence_at > schedule.catch_up.window:
            return None  # a backfill: Sentry knows the present alone
        config = monitor_of(schedule, self._margin, self._timeout(run))
        if config is None:
            return None
        if run.attempt == 1:
            is_news = self._versions.get(schedule.name) != schedule.version
            _check_in(schedule, run, "in_progress", config if is_news else None)
            self._versions[schedule.name] = schedule.version
        return schedule

    def _timeout(self, run: Run) -> timedelta | None:
        definition = self._ob.registry.get(run.task)
        if definition is None:
            return None
        if run.options is None:
            return definition.timeout
        return options_of(run.options, definition.timeout, definition.retry)[0]

    async def _ended(
        self, run: Run, error: BaseException | None, schedule: Schedule | None
    ) -> None:
        if error is None and schedule is None:
            return
        end = end_of(self._ob.registry, run, error)
        if schedule is not None and end.move in CHECKED:
            _check_in(schedule, run, CHECKED[end.move])
        if error is None or end.failure is None:
            return
        if end.move == FOR_GOOD or self._every_attempt:
            with sentry_sdk.isolation_scope():
                name = await schedule_name_of(self._ob, run)
            _report(error, end, name)


def _describe(scope: Scope, run: Run) -> None:
    scope.set_transaction_name(run.task)
    scope.set_tags({"task": run.task, "queue": run.queue, "attempt": str(run.attempt)})
    scope.set_context("onbeat", {"job": run.job, "attempt": f"{run.attempt}/{run.max_attempts}"})
    run.record.heard = _leave_breadcrumb


def _leave_breadcrumb(line: LogLine) -> None:
    """Of what a job logs by its run; Sentry itself hears of what is written with `logging`."""
    if not line.fields.startswith('{"logger":'):
        sentry_sdk.add_breadcrumb(
            category="onbeat.log", message=line.message, level=LEVELS.get(line.level, "info")
        )


def _report(error: BaseException, end: Ack, schedule: str | None) -> None:
    if end.outcome == "timed out":  # what was raised in the task is but how it was stopped
        error = TimeoutError(end.reason).with_traceback(error.__traceback__)
    event, hint = event_from_exception(
        error, client_options=sentry_sdk.get_client().options,
        mechanism={"type": "onbeat", "handled": False},
    )  # fmt: skip
    event["level"] = "error" if end.move == FOR_GOOD else "warning"
    event["tags"] = {"outcome": end.outcome} | ({} if schedule is None else {"schedule": schedule})
    sentry_sdk.capture_event(event, hint=hint)


def _check_in(
    schedule: Schedule, run: Run, status: str, config: dict[str, Any] | None = None
) -> None:
    """All attempts of a job are one check-in, whichever workers run them: its id is the job's."""
    sentry_sdk.crons.capture_checkin(
        monitor_slug=slug_of(schedule.name), check_in_id=run.job, status=status,
        monitor_config=config,  # type: ignore[arg-type] # its type is not to be had at run time
    )  # fmt: skip
