"""What a worker and a job's process say to each other: one JSON text a line, never pickle."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import msgspec

from onbeat.domain.jobs import MAX_ARGUMENT_BYTES
from onbeat.domain.outcomes import Cancel, Snooze


class Order(msgspec.Struct, tag="order"):
    """Run this function with these arguments."""

    task: str
    module: str
    name: str
    main: str | None
    path: list[str]
    args: msgspec.Raw
    job: str
    queue: str
    attempt: int
    max_attempts: int
    token: int
    seconds: float | None
    occurrence_at: int | None = None
    max_payload: int = MAX_ARGUMENT_BYTES
    stands_at: int | None = None
    """Where the worker's clock stands, if that is not the machine's."""


class Line(msgspec.Struct, tag="line"):
    """The job wrote a log line."""

    level: str
    message: str
    fields: str


class Progress(msgspec.Struct, tag="progress"):
    """The job told how far it is."""

    fraction: float
    note: str | None


class Ended(msgspec.Struct, tag="ended"):
    """The job ended: with a result, or with what it raised."""

    how: str
    result: msgspec.Raw = msgspec.Raw(b"null")
    module: str = ""
    kind: str = ""
    message: str = ""
    traceback: str = ""
    delay: float = 0.0
    retry_after: float | None = None

    def give(self) -> Any:
        """Return the result, or raise what was raised."""
        match self.how:
            case "returned":
                return msgspec.json.decode(self.result)
            case "snoozed":
                raise Snooze(timedelta(seconds=self.delay), self.message)
            case "cancelled":
                raise Cancel(self.message)
            case _:
                raise raised(self)


class Raised(Exception):
    """An error raised in the job's process; made there into text, and matched here by its class."""

    retry_after: float | None = None
    remote_traceback: str = ""

    def __str__(self) -> str:
        """The text the error had there; its class might make another of its arguments."""
        return str(self.args[0]) if self.args else ""


def raised(ended: Ended) -> Exception:
    """An exception of the same class name, and of the same class where this process has it.

    The class is only looked for among modules that are loaded already: nothing is imported
    because a name arrived.
    """
    known = getattr(sys.modules.get(ended.module), ended.kind, None)
    bases: tuple[type, ...] = (Raised,)
    if isinstance(known, type) and issubclass(known, Exception):
        bases = (Raised, known)
    try:
        kind = type(ended.kind, bases, {"__module__": ended.module, "__init__": _init})
        error: Raised = kind(ended.message)
    except TypeError:  # two classes whose layouts do not go together
        error = type(ended.kind, (Raised,), {"__module__": ended.module})(ended.message)
    error.retry_after = ended.retry_after
    error.remote_traceback = ended.traceback
    return error


def _init(self: Exception, message: str) -> None:
    self.args = (message,)


_answers = msgspec.json.Decoder(Line | Progress | Ended)
_orders = msgspec.json.Decoder(Order)


def encode_message(message: msgspec.Struct) -> bytes:
    """One line."""
    return msgspec.json.encode(message) + b"\n"


def decode_answer(line: bytes) -> Line | Progress | Ended:
    """What the job's process said."""
    answer: Line | Progress | Ended = _answers.decode(line)
    return answer


def decode_order(line: bytes) -> Order:
    """What the worker said."""
    return _orders.decode(line)
