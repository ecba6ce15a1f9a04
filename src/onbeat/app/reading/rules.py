"""A rule as it is asked for: what is given is changed, all else stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from onbeat.domain.default_rules import DEFAULTS, SUBJECTS, read_rule
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Kind, Severity
from onbeat.domain.rules import Condition, Limits, Rule, Selector

E = TypeVar("E", Condition, Kind, Severity)

DURATIONS = ("window", "longer_than")
PLAIN = ("severity", "open_after", "close_after", "enabled")


def made(name: str, condition: str, kind: str | None, asked: Mapping[str, Any]) -> Rule:
    """A new rule: what is not given is as the default rule of its condition has it. Raises
    InvalidInput.
    """
    of = word(Condition, condition, "condition")
    usual = next(each for each in DEFAULTS.values() if each.condition is of)
    whose = SUBJECTS[of][0] if kind is None else word(Kind, kind, "kind")
    return changed(replace(usual, name=name, kind=whose, enabled=True), asked)


def changed(rule: Rule, asked: Mapping[str, Any]) -> Rule:
    """The rule with what is asked for; None asks for nothing. Raises InvalidInput."""
    given = {name: value for name, value in asked.items() if value is not None}
    limits = {
        name: read_duration(given[name], name) if name in DURATIONS else given[name]
        for name in Limits.__struct_fields__ if name in given
    }  # fmt: skip
    selected = {name: tuple(given[name]) for name in Selector.__struct_fields__ if name in given}
    plain = {name: given[name] for name in PLAIN if name in given}
    if "severity" in plain:
        plain["severity"] = word(Severity, plain["severity"], "severity")
    lasts: timedelta = read_duration(given["for"], "for") if "for" in given else rule.lasts
    return read_rule(replace(
        rule, limits=msgspec.structs.replace(rule.limits, **limits), lasts=lasts,
        selector=msgspec.structs.replace(rule.selector, **selected), **plain,
    ))  # fmt: skip


def word(kind: type[E], text: str, field: str) -> E:
    """One of the words of a kind. Raises InvalidInput."""
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput(field, f"{text[:50]!r} is none; give one of {', '.join(kind)}") from None
