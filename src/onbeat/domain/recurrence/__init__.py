"""Recurrences: pure sources of moments. Their clock is the caller; their zone is their own."""

from onbeat.domain.recurrence.boot import Boot
from onbeat.domain.recurrence.calendar import CalendarInterval
from onbeat.domain.recurrence.combine import Exclusion, Union, exclusion, union
from onbeat.domain.recurrence.cron import Cron, cron
from onbeat.domain.recurrence.cron_days import DayMatch
from onbeat.domain.recurrence.interval import AfterFinish, Elapsed, every
from onbeat.domain.recurrence.local_time import Fold, Gap
from onbeat.domain.recurrence.once import Once, once
from onbeat.domain.recurrence.recurrence import Recurrence, moments
from onbeat.domain.recurrence.rrule import RRule, rrule
from onbeat.domain.recurrence.spec import recurrence_from_spec
from onbeat.domain.recurrence.unreadable import Unreadable
from onbeat.domain.recurrence.work_calendar import (
    WorkCalendar,
    calendar_from_spec,
    work_calendar,
)
from onbeat.domain.recurrence.workdays import NthWorkday, OnWorkdays, nth_workday, workdays

__all__ = [
    "AfterFinish",
    "Boot",
    "CalendarInterval",
    "Cron",
    "DayMatch",
    "Elapsed",
    "Exclusion",
    "Fold",
    "Gap",
    "NthWorkday",
    "OnWorkdays",
    "Once",
    "RRule",
    "Recurrence",
    "Union",
    "Unreadable",
    "WorkCalendar",
    "calendar_from_spec",
    "cron",
    "every",
    "exclusion",
    "moments",
    "nth_workday",
    "once",
    "recurrence_from_spec",
    "rrule",
    "union",
    "work_calendar",
    "workdays",
]
