"""A schedule's recurrence with a part of it said anew, and the rest as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import (
    Cron,
    Exclusion,
    OnWorkdays,
    Recurrence,
    RRule,
    exclusion,
    recurrence_from_spec,
    workdays,
)

Spec = Mapping[str, Any]

READ_BY = {"day_match": {"cron"}, "gap": {"cron", "rrule"}, "fold": {"cron", "rrule"}}
"""The kinds of rule that each way of reading is of."""


def rules_of(spec: Spec) -> Iterator[Spec]:
    """The rules that a recurrence is made of, without what is taken from them."""
    if "source" in spec:
        yield from rules_of(spec["source"])
    elif spec["kind"] == "union":
        for member in spec["members"]:
            yield from rules_of(member)
    else:
        yield spec


def follows_real_time(rule: Spec) -> str | None:
    """Why the rule heeds no gap and fold; None where it does, or is of a kind that has none."""
    if rule["kind"] not in READ_BY["gap"]:
        return None
    read = recurrence_from_spec(rule)
    return read.follows_real_time if isinstance(read, Cron | RRule) else None


def with_tz(current: Recurrence, tz: str) -> Recurrence:
    """Every rule in it that has a zone, in this one. Raises InvalidInput where none has."""
    if not any("tz" in rule for rule in rules_of(current.spec())):
        raise InvalidInput("tz", f"this schedule has no zone to change: {current.describe()}")
    return recurrence_from_spec(_each(current.spec(), {"tz": tz}))


def read_as(current: Recurrence, reading: Mapping[str, str]) -> Recurrence:
    """Every rule in it read so, as far as its kind can be."""
    return recurrence_from_spec(_each(current.spec(), reading)) if reading else current


def _each(spec: Spec, changes: Mapping[str, str]) -> dict[str, Any]:
    """The spec with the changes in all rules, also of what is excluded: it is to fit still."""
    parts = [key for key in ("source", "excluded") if key in spec]
    inner: dict[str, Any] = {key: _each(spec[key], changes) for key in parts}
    if spec["kind"] == "union":
        inner["members"] = [_each(member, changes) for member in spec["members"]]
    own = {} if inner else {key: text for key, text in changes.items() if _takes(spec, key)}
    return {**spec, **inner, **own}


def _takes(spec: Spec, key: str) -> bool:
    return "tz" in spec if key == "tz" else spec["kind"] in READ_BY[key]


def kept_to(current: Recurrence, rule: Recurrence | None, taken: Collection[str]) -> Recurrence:
    """The rule in place of those of `current`, and its calendars and closed times as they were.

    Without those that are `taken` away: "workdays", "closed". What is excluded goes with the rule
    it was taken from; without a new rule both stay.
    """
    if isinstance(current, OnWorkdays):
        inner = kept_to(current.source, rule, taken)
        # Closed times that were given by themselves are a calendar without a name.
        is_taken = ("workdays" if current.calendar.name else "closed") in taken
        return inner if is_taken else workdays(inner, current.calendar, otherwise=current.otherwise)
    if isinstance(current, Exclusion):
        inner = kept_to(current.source, rule, taken)
        return inner if rule is not None else exclusion(inner, current.excluded)
    return current if rule is None else rule


def excluded_from(current: Recurrence) -> Recurrence | None:
    """What is excluded in it; None where nothing is."""
    if isinstance(current, Exclusion):
        return current.excluded
    return excluded_from(current.source) if isinstance(current, OnWorkdays) else None
