"""Onbeat: every job on the beat, every beat accounted for."""

from onbeat.app.calls import Bound, Call
from onbeat.app.handles import JobHandle
from onbeat.app.onbeat import Onbeat
from onbeat.app.tasks import Task
from onbeat.domain import events
from onbeat.domain.clocks import Advanced, Clock
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
from onbeat.domain.jobs import Job
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
from onbeat.domain.retries import Retry
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome, Schedule
from onbeat.domain.states import State
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.run import Run
from onbeat.runtime.service import PeriodicService, Service
from onbeat.settings import Settings, load_settings
from onbeat.store.jobs import JobFilter
from onbeat.store.sqlite.guests import sqlite_async_engine, sqlite_engine

__version__ = "0.1.0"

__all__ = [
    "Advanced",
    "ArgumentsTooLarge",
    "Bound",
    "Call",
    "Cancel",
    "Clock",
    "Conflict",
    "InvalidArguments",
    "InvalidInput",
    "InvalidRecurrence",
    "InvalidSetting",
    "InvalidTask",
    "Job",
    "JobFailed",
    "JobFilter",
    "JobHandle",
    "NotFound",
    "Occurrence",
    "OccurrenceOutcome",
    "Onbeat",
    "OnbeatError",
    "PeriodicService",
    "Queue",
    "Reason",
    "Recurrence",
    "Retry",
    "Run",
    "Schedule",
    "Service",
    "ServiceManager",
    "Settings",
    "Snooze",
    "State",
    "StoreError",
    "Task",
    "UnknownTask",
    "WorkCalendar",
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
    "work_calendar",
    "workdays",
]
