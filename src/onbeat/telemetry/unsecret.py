"""Events for Sentry without the secrets of jobs, whoever makes them and in whichever thread."""

from __future__ import annotations

from typing import Any

from sentry_sdk._types import AnnotatedValue

from onbeat.runtime.hiding import hide, is_anything_secret

DEEPEST = 20


def without_secrets(event: Any, hint: Any) -> Any:
    """The event without secrets of jobs that run here: a processor of events, as Sentry has them.

    Local variables of frames go altogether, where there is anything secret: what is made of a
    secret need not look like it.
    """
    return _hidden(event, 0) if is_anything_secret() else event


def _hidden(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return hide(value)
    if depth == DEEPEST:
        return "…"
    if isinstance(value, AnnotatedValue):
        return AnnotatedValue(_hidden(value.value, depth + 1), value.metadata)
    if isinstance(value, dict):
        return {
            name: _hidden(each, depth + 1)
            for name, each in value.items()
            if not (name == "vars" and "lineno" in value)
        }
    if isinstance(value, list | tuple):
        return [_hidden(each, depth + 1) for each in value]
    told = repr(value)
    shown = hide(told)
    return value if shown == told else shown
