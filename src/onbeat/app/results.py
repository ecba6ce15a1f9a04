"""What a job of a workflow will return, as an argument of another job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from onbeat.domain.errors import InvalidArguments, InvalidInput

Wanted = str | tuple[str, ...]
"""The job whose result it is, or for a list the job of each."""


class OfWorkflow:
    """What is built for a workflow, and is no argument as it is."""

    __slots__ = ()


class ResultOf(OfWorkflow):
    """Stands for the result of a job that has not run: it can only be handed on as it is."""

    __slots__ = ("flow", "job", "label")

    def __init__(self, flow: str, job: str, label: str) -> None:
        """Made by `Step.result`."""
        self.flow = flow
        self.job = job
        self.label = label

    def __repr__(self) -> str:
        """Show whose result it is."""
        return f"<result of {self.label}>"

    def __format__(self, _: str) -> NoReturn:
        """Refuse to be made part of a text."""
        raise self._refusal()

    def __bool__(self) -> NoReturn:
        """Refuse to be asked."""
        raise self._refusal()

    def __iter__(self) -> NoReturn:
        """Refuse to be gone through."""
        raise self._refusal()

    def _refusal(self) -> InvalidInput:
        return InvalidInput(
            "result", f"that of {self.label!r} is not known before it has run; hand it on whole, "
            "as an argument or in a list that is one",
        )  # fmt: skip


Results = Sequence[tuple[str, ResultOf | tuple[ResultOf, ...]]]
"""Arguments by name that are results of other jobs."""


def results_among(given: dict[str, Any]) -> dict[str, tuple[ResultOf, ...] | ResultOf]:
    """The arguments that are results, or lists of them. Raises InvalidArguments for a list of
    results and other values, for a result within something else, and for a step.
    """
    found: dict[str, tuple[ResultOf, ...] | ResultOf] = {}
    for name, value in given.items():
        if isinstance(value, ResultOf):
            found[name] = value
        elif isinstance(value, list | tuple) and any(isinstance(each, ResultOf) for each in value):
            if not all(isinstance(each, ResultOf) for each in value):
                raise InvalidArguments(
                    name, "it is a list of results of jobs and of other values; give results alone"
                )
            found[name] = tuple(value)
        else:
            _refuse_within(name, value)
    return found


def _refuse_within(name: str, value: Any) -> None:
    inner = value.values() if isinstance(value, dict) else value
    held = [] if not isinstance(value, dict | list | tuple | set) else list(inner)
    if isinstance(value, OfWorkflow) or any(isinstance(each, OfWorkflow) for each in held):
        raise InvalidArguments(
            name, "it is a step, or holds a result; give step.result whole, or a list of such"
        )
