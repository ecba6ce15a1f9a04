"""Runs a coroutine inside the slot's own task, but in a context of the job's own.

A task per job would be the plain way to give each its context; it costs half of the throughput.
So the slot's task steps the job's coroutine itself, each step in the job's context.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any

from onbeat.runtime.run import Run, current_run
from onbeat.runtime.tasks import Definition


@types.coroutine
def run_coroutine(
    definition: Definition, run: Run, kwargs: dict[str, Any], context: Context
) -> Generator[Any, Any, Any]:
    """Await the task's function; one that never waits never touches the event loop.

    What the coroutine waits for is passed to the loop, and what the loop answers back to it.
    """
    try:
        coroutine, waits_for = context.run(_first_step, definition, run, kwargs)
        while True:
            try:
                answer = yield waits_for
            except GeneratorExit:
                context.run(coroutine.close)
                raise
            except BaseException as error:
                waits_for = context.run(coroutine.throw, error)
            else:
                waits_for = context.run(coroutine.send, answer)
    except StopIteration as stop:
        return stop.value


def _first_step(
    definition: Definition, run: Run, kwargs: dict[str, Any]
) -> tuple[Coroutine[Any, Any, Any], Any]:
    """One entry into the context for all that comes before the first wait."""
    current_run.set(run)
    call = definition.function
    coroutine = call(run, **kwargs) if definition.wants_run else call(**kwargs)
    return coroutine, coroutine.send(None)
