"""Variables of one service or schedule: who runs an application changes what its code says.

A service `csv-import` is set by CSV_IMPORT_INTERVAL and its like, a schedule `close-day` by
CLOSE_DAY_CRON; each also with ONBEAT_ before it, which wins. A name without a Latin letter or digit
has no variables.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TypeVar

from onbeat.domain.errors import InvalidInput, InvalidSetting
from onbeat.domain.recurrence import (
    AfterFinish,
    CalendarInterval,
    Cron,
    Recurrence,
    cron,
    every,
    recurrence_from_spec,
)
from onbeat.runtime.partitioned import PartitionedService
from onbeat.runtime.service import PeriodicService, Service
from onbeat.settings import OF_ONE, PREFIX, read_count, read_duration, read_switch

T = TypeVar("T")
MOST_RETRIES = 100
LEAST_MILLISECONDS = 1000
"""A smaller number without a unit was hardly meant as milliseconds."""
EXPRESSION = re.compile(r"@|(?:[\d*,/-]+\s+){2}(?:\S+\s+){2,3}\S+$")
"""How cron begins where an interval may stand, too."""
OF_SCHEDULES = ("_CRON", "_INTERVAL")
Environ = Mapping[str, str]


def variables_of(service: Service) -> tuple[str, ...]:
    """The variables, without ONBEAT_, that set this service."""
    has_moments = isinstance(service, PartitionedService | PeriodicService)
    endings = ("_CRON", "_INTERVAL", "_RETRIES") if has_moments else ()
    of_keys = ("_CONCURRENCY",) if isinstance(service, PartitionedService) else ()
    every_one = ("_ENABLED", "_TIMEOUT", "_AUTO_RESTART")
    stem = _stem(service.id)
    endings = (*every_one, *endings, *of_keys) if stem else ()
    return tuple(f"{stem}{ending}" for ending in endings)


def declared_timed(
    name: str, when: Recurrence, environ: Environ | None = None
) -> tuple[Recurrence, str | None]:
    """When a schedule in code is due, and what is to be told of variables that are passed over.

    Every process that imports the application reads them, with variables of other programs around:
    without ONBEAT_ one that cannot be read is taken for another's. Raises InvalidSetting naming
    one that has it.
    """
    given = os.environ if environ is None else environ
    ours = {each: text for each, text in given.items() if each.startswith(PREFIX)}
    if any(_find(name, ending, ours) for ending in OF_SCHEDULES):
        return timed(name, when, ours), None
    try:
        return timed(name, when, given), None
    except InvalidSetting as error:
        told = f"it is not taken for the schedule {name!r}; with {PREFIX} before it, it would be"
        return when, f"{error}; {told}"


def refuse_shared(
    services: Iterable[Service], schedules: Iterable[str], environ: Environ | None = None
) -> None:
    """Raise InvalidSetting where one variable that is given would set two of these."""
    given = os.environ if environ is None else environ
    set_by: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for service in services:
        for bare in variables_of(service):
            set_by[_split(bare)].append(f"the service {service.id!r}")
    for name in schedules:
        for ending in OF_SCHEDULES if _stem(name) else ():
            set_by[_stem(name), ending].append(f"the schedule {name!r}")
    for (stem, ending), of in set_by.items():
        found = _find(stem, ending, given) if len(of) > 1 else None
        if found is not None and _is_heeded(*found):
            which = " and ".join(of)
            raise InvalidSetting(found[0], f"{which} would both be set by it; rename one of them")


def _split(bare: str) -> tuple[str, str]:
    ending = next(each for each in OF_ONE if bare.endswith(each))
    return bare.removesuffix(ending), ending


def _is_heeded(variable: str, text: str) -> bool:
    """Whether schedules do not pass over it."""
    try:
        if not variable.startswith(PREFIX) and variable.endswith(OF_SCHEDULES):
            _read(variable, text, cron if variable.endswith("_CRON") else _interval)
    except InvalidSetting:
        return False
    return True


def timed(name: str, when: Recurrence, environ: Environ | None = None) -> Recurrence:
    """When one of that name is due: as its variable says, else `when`.

    An expression is in the zone of `when`, with what that says of clock changes. Raises
    InvalidSetting naming the variable, also where both an expression and an interval are given.
    """
    given = os.environ if environ is None else environ
    expression, interval = _find(name, "_CRON", given), _find(name, "_INTERVAL", given)
    if expression is not None and interval is not None:
        raise InvalidSetting(
            expression[0], f"{interval[0]} is there, too; give one of them, and take away the other"
        )
    if expression is not None:
        return _read(*expression, lambda text: _cron_like(when, text))
    if interval is not None:
        return _read(*interval, lambda text: _interval_like(when, text))
    return when


def set_by_variables(service: Service, environ: Environ | None = None) -> Service:
    """The service, as its variables say. Raises InvalidSetting naming one that is wrong."""
    given = os.environ if environ is None else environ

    def said(ending: str, read: Callable[[str, str], T], otherwise: T) -> T:
        found = _find(service.id, ending, given)
        return otherwise if found is None else read(*found)

    service.auto_start = said("_ENABLED", read_switch, service.auto_start)
    service.critical = said("_AUTO_RESTART", read_switch, service.critical)
    if isinstance(service, PartitionedService):
        service.run_timeout = said("_TIMEOUT", _timeout, service.run_timeout)
        service.concurrency = said("_CONCURRENCY", read_count, service.concurrency)
    else:
        service.timeout = said("_TIMEOUT", _timeout, service.timeout)
    if isinstance(service, PartitionedService | PeriodicService):
        service.retries = said("_RETRIES", _retries, service.retries)
        service.work_at(timed(service.id, service.when, given))
    return service


def _stem(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


def _find(name: str, ending: str, environ: Environ) -> tuple[str, str] | None:
    """The variable that says it, and what."""
    if not (stem := _stem(name)):
        return None
    bare = f"{stem}{ending}"
    return next(
        ((each, environ[each]) for each in (f"{PREFIX}{bare}", bare) if each in environ), None
    )


def _read(variable: str, text: str, read: Callable[[str], Recurrence]) -> Recurrence:
    try:
        return read(text.strip())
    except InvalidInput as error:
        why = str(error).partition(": ")[2]
        told = why if repr(text.strip()) in why else f"{text.strip()!r} is not allowed: {why}"
        raise InvalidSetting(variable, told) from None


def _cron_like(when: Recurrence, text: str) -> Recurrence:
    if isinstance(when, Cron):
        return recurrence_from_spec({**when.spec(), "expr": text})
    return cron(text, tz=when.zone if isinstance(when, CalendarInterval) else "UTC")


def _interval(text: str) -> Recurrence:
    return cron(text) if EXPRESSION.match(text) else every(text)


def _interval_like(when: Recurrence, text: str) -> Recurrence:
    if EXPRESSION.match(text):
        return _cron_like(when, text)
    zone = when.zone if isinstance(when, CalendarInterval) else None
    return every(text, tz=zone, after_finish=isinstance(when, AfterFinish))


def _timeout(variable: str, text: str) -> timedelta | None:
    """A duration; a number alone is of milliseconds, as such variables commonly are."""
    plain = text.strip()
    if plain.isdecimal() and int(plain) >= LEAST_MILLISECONDS:
        text = f"{plain}ms"
    found = read_duration(variable, text)
    if found <= timedelta():
        raise InvalidSetting(variable, f"{text!r} is no time; give more than 0s")
    return found


def _retries(variable: str, text: str) -> int:
    if not text.strip().isdecimal() or int(text) > MOST_RETRIES:
        told = f"{text!r} is not allowed; give a whole number from 0 to {MOST_RETRIES}"
        raise InvalidSetting(variable, told)
    return int(text)
