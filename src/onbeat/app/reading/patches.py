"""Changes as JSON Merge Patch says them (RFC 7396), also of what holds secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from onbeat.app.facts.jobs import decoded
from onbeat.domain.schedules import Schedule
from onbeat.domain.secrets import refuse_hidden, unhidden


def merged(target: Any, patch: Any) -> Any:
    """What `patch` makes of `target`: a null takes away, objects are merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merged(made.get(key), value)
    return made


def args_given(args: Mapping[str, Any], before: Schedule | None, task: str) -> str:
    """Arguments as JSON, with the secrets that are there where `***` was sent back for them.

    They are kept for the same task alone: another one might tell them. Raises InvalidArguments for
    other `***` in the place of a secret.
    """
    if before is None:
        return _encoded(args)
    given: Any = args
    if before.task == task:
        given = unhidden(args, decoded(before.shown_args), decoded(before.args))
    text = _encoded(given)
    refuse_hidden(text, before.secrets)
    return text


def args_merged(patch: Mapping[str, Any], before: Schedule, task: str) -> str:
    """The same of a patch to the arguments that are there."""
    return args_given(merged(decoded(before.shown_args), patch), before, task)


def _encoded(args: Any) -> str:
    return msgspec.json.encode(args).decode()
