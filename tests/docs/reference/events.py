"""docs/reference/events.md, from the events and from the log line that each becomes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

from onbeat.domain import events as module
from onbeat.domain.events import Event
from onbeat.domain.schedules import OccurrenceOutcome
from onbeat.domain.services import Status
from onbeat.telemetry.happenings import ENDINGS, LEVELS, Happening, happening_of
from tests.docs.reference.rows import about, cell, code, field_notes, table

VALUES: Mapping[str, Sequence[Any]] = {
    "str": ("x",),
    "JobId": ("x",),
    "int": (1,),
    "bool": (True, False),
    "timedelta": (timedelta(seconds=1),),
    "datetime": (datetime(2027, 1, 4, tzinfo=UTC),),
    "Status": tuple(Status),
    "ErrorClass": ("x",),
    "None": (None,),
}
WORDS: Mapping[str, Sequence[str | None]] = {
    "JobEnded.move": tuple(ENDINGS),
    "JobEnded.outcome": ("succeeded",),
    "OccurrenceDecided.outcome": tuple(OccurrenceOutcome),
    "NoticeSent.state": ("sent", "failed", None),
}
"""Of texts that are one of a few words: which."""


def events() -> Iterator[str]:
    """The page."""
    yield "# Events"
    yield ""
    yield (
        "What a process tells of itself, as values of `onbeat.events`. Whoever runs one listens: "
        "`ob.running(emit=…)` calls a function with each, in the loop that everything runs in, so "
        "it must return at once. A process that a command starts writes them to its log; the line "
        "of each is named here, with its level. What changes for the whole fleet is told by "
        "[live updates](../live.md), and ends of jobs by [webhooks](../webhooks.md)."
    )
    yield ""
    for kind in get_args(Event):
        yield f"## {kind.__name__}"
        yield ""
        yield " ".join(about(kind).split())
        yield ""
        lines = "; ".join(f"{code(line.name)} ({line.level})" for line in _lines(kind))
        yield f"In the log: {lines}."
        yield ""
        notes = field_notes(kind)
        yield from table(
            "field", "is", "",
            rows=(
                (code(name), code(cell(kinds).replace("\\|", "or")), notes.get(name, ""))
                for name, kinds in _fields(kind).items()
            ),
        )  # fmt: skip


def _fields(kind: type) -> dict[str, str]:
    return dict(inspect.get_annotations(kind))


def _lines(kind: type) -> list[Happening]:
    """All lines that one may become, by trying values that make a difference."""
    found: dict[tuple[str, str], Happening] = {}
    choices = [_choices(kind, name, said) for name, said in _fields(kind).items()]
    for values in product(*choices):
        line = happening_of(kind(**dict(zip(_fields(kind), values, strict=True))))
        found.setdefault((line.name, line.level), line)
    return sorted(found.values(), key=lambda line: (line.name, LEVELS[line.level]))


def _choices(kind: type, name: str, said: str) -> Sequence[Any]:
    if words := WORDS.get(f"{kind.__name__}.{name}"):
        return words
    if said.startswith("tuple["):
        return ((), ("x",))
    return [value for part in said.split(" | ") for value in VALUES[part]]


def named_by_module() -> set[str]:
    """The events that the module defines, whether or not they are told of."""
    return {
        name
        for name, each in vars(module).items()
        if isinstance(each, type) and each.__module__ == module.__name__
    }
