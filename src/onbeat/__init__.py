"""Onbeat: every job on the beat, every beat accounted for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onbeat.app.bound import Bound
    from onbeat.app.calls import Call
    from onbeat.app.handles import JobHandle
    from onbeat.app.middleware import Middleware
    from onbeat.app.new_schedules import NewSchedule
    from onbeat.app.onbeat import Onbeat
    from onbeat.app.receiving import verify_webhook
    from onbeat.app.tasks import Task
    from onbeat.app.workflows import Flow, Step
    from onbeat.domain import events
    from onbeat.domain.backfills import Backfill, Gaps
    from onbeat.domain.breakers import Breaker
    from onbeat.domain.client_errors import (
        ApiAnswer,
        CallError,
        CallFailed,
        CallHeldBack,
        CallLimited,
        CallRefused,
        CallUnanswered,
        QueryFailed,
        QueryRefused,
    )
    from onbeat.domain.clocks import Advanced, Clock
    from onbeat.domain.error_classes import ErrorClass, Permanent, RateLimited, Transient
    from onbeat.domain.errors import (
        ArgumentsTooLarge,
        Conflict,
        InvalidArguments,
        InvalidInput,
        InvalidRecurrence,
        InvalidSetting,
        InvalidTask,
        JobFailed,
        NotFound,
        OnbeatError,
        StoreError,
        UnknownTask,
    )
    from onbeat.domain.job_filters import JobFilter, JobPage
    from onbeat.domain.jobs import Job
    from onbeat.domain.limits import Limit
    from onbeat.domain.outcomes import Cancel, Snooze
    from onbeat.domain.queues import Queue
    from onbeat.domain.reasons import Reason
    from onbeat.domain.recurrence import (
        Recurrence,
        WorkCalendar,
        cron,
        every,
        exclusion,
        nth_workday,
        once,
        rrule,
        union,
        work_calendar,
        workdays,
    )
    from onbeat.domain.regions import Regions
    from onbeat.domain.retention import Keep
    from onbeat.domain.retries import Retry
    from onbeat.domain.schedules import Occurrence, OccurrenceOutcome, Schedule
    from onbeat.domain.secrets import Secret
    from onbeat.domain.states import State
    from onbeat.domain.uniqueness import Unique
    from onbeat.domain.webhooks import InvalidSignature
    from onbeat.domain.workflows import Workflow, WorkflowJob, WorkflowState
    from onbeat.runtime.clients import ApiClient
    from onbeat.runtime.manager import ServiceManager
    from onbeat.runtime.partitioned import PartitionedService
    from onbeat.runtime.run import Run
    from onbeat.runtime.service import PeriodicService, Service
    from onbeat.runtime.tasks import Proceed
    from onbeat.settings import Settings, load_settings
    from onbeat.store.sqlite.guests import sqlite_async_engine, sqlite_engine

__version__ = "0.1.0"

__all__ = [
    "Advanced",
    "ApiAnswer",
    "ApiClient",
    "ArgumentsTooLarge",
    "Backfill",
    "Bound",
    "Breaker",
    "Call",
    "CallError",
    "CallFailed",
    "CallHeldBack",
    "CallLimited",
    "CallRefused",
    "CallUnanswered",
    "Cancel",
    "Clock",
    "Conflict",
    "ErrorClass",
    "Flow",
    "Gaps",
    "InvalidArguments",
    "InvalidInput",
    "InvalidRecurrence",
    "InvalidSetting",
    "InvalidSignature",
    "InvalidTask",
    "Job",
    "JobFailed",
    "JobFilter",
    "JobHandle",
    "JobPage",
    "Keep",
    "Limit",
    "Middleware",
    "NewSchedule",
    "NotFound",
    "Occurrence",
    "OccurrenceOutcome",
    "Onbeat",
    "OnbeatError",
    "PartitionedService",
    "PeriodicService",
    "Permanent",
    "Proceed",
    "QueryFailed",
    "QueryRefused",
    "Queue",
    "RateLimited",
    "Reason",
    "Recurrence",
    "Regions",
    "Retry",
    "Run",
    "Schedule",
    "Secret",
    "Service",
    "ServiceManager",
    "Settings",
    "Snooze",
    "State",
    "Step",
    "StoreError",
    "Task",
    "Transient",
    "Unique",
    "UnknownTask",
    "WorkCalendar",
    "Workflow",
    "WorkflowJob",
    "WorkflowState",
    "cron",
    "events",
    "every",
    "exclusion",
    "load_settings",
    "nth_workday",
    "once",
    "rrule",
    "sqlite_async_engine",
    "sqlite_engine",
    "union",
    "verify_webhook",
    "work_calendar",
    "workdays",
]

# A name is looked for when it is asked for: the command line's help, and pytest in a project that
# tests with us, need little of what is here, and all of it takes half a second.
_HOMES = {
    "Advanced": "onbeat.domain.clocks",
    "ApiAnswer": "onbeat.domain.client_errors",
    "ApiClient": "onbeat.runtime.clients",
    "ArgumentsTooLarge": "onbeat.domain.errors",
    "Backfill": "onbeat.domain.backfills",
    "Bound": "onbeat.app.bound",
    "Breaker": "onbeat.domain.breakers",
    "Call": "onbeat.app.calls",
    "CallError": "onbeat.domain.client_errors",
    "CallFailed": "onbeat.domain.client_errors",
    "CallHeldBack": "onbeat.domain.client_errors",
    "CallLimited": "onbeat.domain.client_errors",
    "CallRefused": "onbeat.domain.client_errors",
    "CallUnanswered": "onbeat.domain.client_errors",
    "Cancel": "onbeat.domain.outcomes",
    "Clock": "onbeat.domain.clocks",
    "Conflict": "onbeat.domain.errors",
    "ErrorClass": "onbeat.domain.error_classes",
    "Flow": "onbeat.app.workflows",
    "Gaps": "onbeat.domain.backfills",
    "InvalidArguments": "onbeat.domain.errors",
    "InvalidInput": "onbeat.domain.errors",
    "InvalidRecurrence": "onbeat.domain.errors",
    "InvalidSetting": "onbeat.domain.errors",
    "InvalidSignature": "onbeat.domain.webhooks",
    "InvalidTask": "onbeat.domain.errors",
    "Job": "onbeat.domain.jobs",
    "JobFailed": "onbeat.domain.errors",
    "JobFilter": "onbeat.domain.job_filters",
    "JobHandle": "onbeat.app.handles",
    "JobPage": "onbeat.domain.job_filters",
    "Keep": "onbeat.domain.retention",
    "Limit": "onbeat.domain.limits",
    "Middleware": "onbeat.app.middleware",
    "NewSchedule": "onbeat.app.new_schedules",
    "NotFound": "onbeat.domain.errors",
    "Occurrence": "onbeat.domain.schedules",
    "OccurrenceOutcome": "onbeat.domain.schedules",
    "Onbeat": "onbeat.app.onbeat",
    "OnbeatError": "onbeat.domain.errors",
    "PartitionedService": "onbeat.runtime.partitioned",
    "PeriodicService": "onbeat.runtime.service",
    "Permanent": "onbeat.domain.error_classes",
    "Proceed": "onbeat.runtime.tasks",
    "QueryFailed": "onbeat.domain.client_errors",
    "QueryRefused": "onbeat.domain.client_errors",
    "Queue": "onbeat.domain.queues",
    "RateLimited": "onbeat.domain.error_classes",
    "Reason": "onbeat.domain.reasons",
    "Recurrence": "onbeat.domain.recurrence",
    "Regions": "onbeat.domain.regions",
    "Retry": "onbeat.domain.retries",
    "Run": "onbeat.runtime.run",
    "Schedule": "onbeat.domain.schedules",
    "Secret": "onbeat.domain.secrets",
    "Service": "onbeat.runtime.service",
    "ServiceManager": "onbeat.runtime.manager",
    "Settings": "onbeat.settings",
    "Snooze": "onbeat.domain.outcomes",
    "State": "onbeat.domain.states",
    "Step": "onbeat.app.workflows",
    "StoreError": "onbeat.domain.errors",
    "Task": "onbeat.app.tasks",
    "Transient": "onbeat.domain.error_classes",
    "Unique": "onbeat.domain.uniqueness",
    "UnknownTask": "onbeat.domain.errors",
    "WorkCalendar": "onbeat.domain.recurrence",
    "Workflow": "onbeat.domain.workflows",
    "WorkflowJob": "onbeat.domain.workflows",
    "WorkflowState": "onbeat.domain.workflows",
    "cron": "onbeat.domain.recurrence",
    "every": "onbeat.domain.recurrence",
    "exclusion": "onbeat.domain.recurrence",
    "load_settings": "onbeat.settings",
    "nth_workday": "onbeat.domain.recurrence",
    "once": "onbeat.domain.recurrence",
    "rrule": "onbeat.domain.recurrence",
    "sqlite_async_engine": "onbeat.store.sqlite.guests",
    "sqlite_engine": "onbeat.store.sqlite.guests",
    "union": "onbeat.domain.recurrence",
    "verify_webhook": "onbeat.app.receiving",
    "work_calendar": "onbeat.domain.recurrence",
    "workdays": "onbeat.domain.recurrence",
}


if not TYPE_CHECKING:  # or a checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        """Find a public name where it is made, and keep it here."""
        if name == "events":
            return import_module("onbeat.domain.events")
        if name not in _HOMES:
            raise AttributeError(f"module 'onbeat' has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return found

    def __dir__() -> list[str]:
        """The public names, and what every module has."""
        return sorted({*globals(), *__all__})
