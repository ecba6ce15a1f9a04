"""Everything that can go wrong, as one tree; the message always ends with what to do.

OnbeatError
├── InvalidInput            a value is wrong; `field` names it                      exit 2
│   ├── InvalidRecurrence   cron, interval, rrule, zone, or one that never fires
│   ├── InvalidTask         a task that cannot be declared as it stands
│   ├── InvalidArguments    arguments that do not fit the task
│   ├── ArgumentsTooLarge   arguments over the size limit
│   └── InvalidSetting      an environment variable or option
├── UnknownTask             no task is registered under that name                   exit 2
├── NotFound                no such job, schedule, queue                            exit 3
├── Conflict                the thing exists, or is not in a state that allows it   exit 4
├── Unauthenticated         nobody known asks                                       exit 7
│   └── TooManyGuesses      at a password; `seconds` says how long none is read   exit 7
├── Forbidden               who asks may not do this                                exit 7
├── JobFailed               a job waited for did not complete                       exit 6
├── ExtraMissing            a package is not installed that something optional needs
├── SourceUnavailable       what a source listens to cannot be reached now
└── StoreError              the store refused or could not be reached               exit 5
    ├── StoreUnavailable    not reachable now; may be tried again
    ├── StoreDeadlock       two transactions waited for each other; this one was ended
    ├── StoreRefused        the database refuses a value it was given
    ├── StoreLocked         another program holds the SQLite file
    ├── StoreReadOnly       the SQLite file or its folder cannot be written
    ├── StoreFull           no space left
    ├── StoreCorrupt        the file is not a sound database
    ├── SchemaMissing       the database has no Onbeat tables
    ├── SchemaOutdated      the tables are older than this Onbeat
    ├── SchemaNewer         the tables are newer than this Onbeat
    └── DriverMissing       the engine's driver is not installed
"""

from __future__ import annotations

from datetime import timedelta
from math import ceil


class OnbeatError(Exception):
    """What every error of Onbeat is; `exit_code` is what the CLI ends with."""

    exit_code = 1


class InvalidInput(OnbeatError):
    """A value is wrong: `field` names it, the message says what would be right."""

    exit_code = 2

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class InvalidRecurrence(InvalidInput):
    """A recurrence that cannot be read, or that would never fire."""


class InvalidTask(InvalidInput):
    """A function that cannot become a task as it is declared."""


class InvalidArguments(InvalidInput):
    """Arguments that do not fit the task they are meant for."""


class ArgumentsTooLarge(InvalidArguments):
    """Arguments whose JSON is over the size limit."""


class InvalidSetting(InvalidInput):
    """A setting whose value is not allowed."""


class UnknownTask(OnbeatError):
    """No task is registered under that name."""

    exit_code = 2


class NotFound(OnbeatError):
    """There is no such thing in the store; `noun` names those that there are, as `jobs`.

    Who tells it elsewhere than on a command line adds to `missing` what lists them there.
    """

    exit_code = 3

    def __init__(self, missing: str, noun: str | None = None) -> None:
        lists = LISTS.get(noun or "", f"{noun} ls")
        super().__init__(missing if noun is None else f"{missing}; `onbeat {lists}` lists them")
        self.missing = missing
        self.noun = noun


LISTS = {"backfills": "schedules backfills"}
"""The commands that list a noun, where it has no `ls` of its own."""


class Conflict(OnbeatError):
    """The thing exists already, or is not where the request needs it to be."""

    exit_code = 4


class Unauthenticated(OnbeatError):
    """Nobody known asks: no credentials were given, or they are wrong, expired or revoked."""

    exit_code = 7


class TooManyGuesses(Unauthenticated):
    """Too many wrong passwords: none is looked at for so long, be it the right one."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = ceil(wait.total_seconds())
        super().__init__(f"there were too many tries; wait {self.seconds} s, and try again")


class Forbidden(OnbeatError):
    """Who asks is known, and may not do this."""

    exit_code = 7


class JobFailed(OnbeatError):
    """A job that was waited for ended without completing."""

    exit_code = 6


class ExtraMissing(OnbeatError):
    """Something optional was asked for whose package is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(f"{what} needs {package}; pip install 'onbeat[{extra}]'")


class SourceUnavailable(OnbeatError):
    """What a source listens to cannot be reached now; it is tried again until it can."""


class StoreError(OnbeatError):
    """The store refused, or could not be reached."""

    exit_code = 5


class StoreUnavailable(StoreError):
    """The store cannot be reached now; nothing is known to be lost, and trying again may work."""


class StoreDeadlock(StoreUnavailable):
    """Two transactions waited for each other, and the database ended this one."""


class StoreRefused(StoreError):
    """The database refuses a value it was given; giving it again would not help."""


class StoreLocked(StoreUnavailable):
    """Another program holds the SQLite file's write lock for longer than the deadline."""


class StoreReadOnly(StoreError):
    """The SQLite file, or its folder, cannot be written."""


class StoreFull(StoreUnavailable):
    """No space is left where the store lives."""


class StoreCorrupt(StoreError):
    """The file is not a sound database."""


class SchemaMissing(StoreError):
    """The database has no Onbeat tables yet."""


class SchemaOutdated(StoreError):
    """The tables are older than this version of Onbeat."""


class SchemaNewer(StoreError):
    """The tables were made by a newer version of Onbeat."""


class DriverMissing(StoreError):
    """The driver for this engine is not installed."""
