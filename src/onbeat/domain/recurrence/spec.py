"""From the JSON a recurrence is stored as back to the recurrence; every kind in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.naming import named
from onbeat.domain.recurrence.boot import Boot
from onbeat.domain.recurrence.combine import DEEPEST, exclusion, union
from onbeat.domain.recurrence.cron import cron
from onbeat.domain.recurrence.interval import every
from onbeat.domain.recurrence.once import once
from onbeat.domain.recurrence.recurrence import Recurrence, moment_from, shown
from onbeat.domain.recurrence.rrule import rrule
from onbeat.domain.recurrence.work_calendar import calendar_from_spec
from onbeat.domain.recurrence.workdays import nth_workday, workdays

Spec = Mapping[str, object]

_KEYS = {
    "cron": {"expr", "tz", "gap", "fold", "day_match"},
    "every": {"every", "tz", "anchor"},
    "calendar": {"every", "tz", "anchor"},
    "after_finish": {"every"},
    "once": {"at"},
    "boot": {"seen", "host", "at"},
    "rrule": {"rrule", "tz", "start", "gap", "fold"},
    "union": {"members"},
    "exclusion": {"source", "excluded"},
    "workdays": {"source", "calendar", "otherwise"},
    "nth_workday": {"nth", "at", "tz", "calendar"},
}
_ALL_NEEDED = {
    "exclusion": {"source", "excluded"},
    "workdays": {"source", "calendar"},
    "nth_workday": {"nth", "at", "tz", "calendar"},
}
_CALLED = {"cron": {"cron": "expr"}}
"""What makers name by another word than the key that they are given."""

_NEEDED = {"cron": "expr", "once": "at", "boot": "seen", "rrule": "rrule", "union": "members"}


def recurrence_from_spec(spec: Spec) -> Recurrence:
    """Make a recurrence from what its `spec()` gave, or from a hand-written one of that form.

    Raises InvalidRecurrence naming the key that is missing, unknown or wrong.
    """
    return _read(spec, 1)


def _read(spec: object, depth: int) -> Recurrence:
    if not isinstance(spec, Mapping) or depth > DEEPEST:
        raise InvalidRecurrence("spec", f"not an object, or nested over {DEEPEST} deep; flatten it")

    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise InvalidRecurrence("kind", f"{shown(kind)} is not known; use {', '.join(_KEYS)}")

    _check_keys(kind, spec)
    if kind == "union":
        members = enumerate(_list(spec["members"]))
        return union(*(_within(f"members.{n}", member, depth) for n, member in members))

    if kind == "exclusion":
        return exclusion(*(_within(key, spec[key], depth) for key in ("source", "excluded")))

    if kind == "workdays":
        return workdays(
            _within("source", spec["source"], depth),
            calendar_from_spec(spec["calendar"]),
            **_options(spec, ("otherwise",)),
        )

    with named(**_CALLED.get(kind, {})):
        return _SIMPLE[kind](spec)


def _within(key: str, spec: object, depth: int) -> Recurrence:
    with named(f"{key}.", spec=""):
        return _read(spec, depth + 1)


def _check_keys(kind: str, spec: Spec) -> None:
    unknown = sorted(str(key) for key in spec.keys() - _KEYS[kind] - {"kind"})
    if unknown:
        allowed = ", ".join(sorted(_KEYS[kind]))
        raise InvalidRecurrence(unknown[0], f"not an option of kind {kind!r}; use {allowed}")

    needed = _ALL_NEEDED.get(kind) or {_NEEDED.get(kind, "every")}
    for key in sorted(needed - spec.keys()):
        raise InvalidRecurrence(key, f"missing; a recurrence of kind {kind!r} needs it")


def _cron(spec: Spec) -> Recurrence:
    return cron(_text(spec, "expr", "cron"), **_options(spec, ("tz", "gap", "fold", "day_match")))


def _every(spec: Spec) -> Recurrence:
    anchor = moment_from(spec["anchor"], "anchor") if "anchor" in spec else None
    return every(_text(spec, "every", "every"), anchor=anchor, **_options(spec, ("tz",)))


def _after_finish(spec: Spec) -> Recurrence:
    return every(_text(spec, "every", "every"), after_finish=True)


def _once(spec: Spec) -> Recurrence:
    return once(_text(spec, "at", "at"))


def _boot(spec: Spec) -> Recurrence:
    at = moment_from(spec["at"], "at") if "at" in spec else None
    return Boot(seen=_text(spec, "seen", "seen"), at=at, **_options(spec, ("host",)))


def _rrule(spec: Spec) -> Recurrence:
    start = moment_from(spec["start"], "start") if "start" in spec else None
    return rrule(
        _text(spec, "rrule", "rrule"), start=start, **_options(spec, ("tz", "gap", "fold"))
    )


def _nth_workday(spec: Spec) -> Recurrence:
    nth = spec["nth"]
    if not isinstance(nth, int):
        raise InvalidRecurrence("nth", f"{nth!r} is not a whole number")
    return nth_workday(
        nth,
        _text(spec, "at", "at"),
        tz=_text(spec, "tz", "tz"),
        calendar=calendar_from_spec(spec["calendar"]),
    )


_SIMPLE: Mapping[str, Callable[[Spec], Recurrence]] = {
    "cron": _cron,
    "every": _every,
    "calendar": _every,
    "after_finish": _after_finish,
    "once": _once,
    "boot": _boot,
    "rrule": _rrule,
    "nth_workday": _nth_workday,
}


def _text(spec: Spec, key: str, field: str) -> str:
    value = spec[key]
    if not isinstance(value, str):
        raise InvalidRecurrence(field, f"{shown(value)} is not text; write it as text")

    return value


def _options(spec: Spec, names: tuple[str, ...]) -> dict[str, Any]:
    """Give the options named that are there; which words they take is each maker's to check."""
    given = {name: spec[name] for name in names if spec.get(name) is not None}
    for name, value in given.items():
        if not isinstance(value, str):
            raise InvalidRecurrence(name, f"{shown(value)} is not text; write it as text")

    return given


def _list(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise InvalidRecurrence("members", "not a list; write the members as a list")

    return list(value)
