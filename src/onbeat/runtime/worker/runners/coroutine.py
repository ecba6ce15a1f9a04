"""Runs a coroutine inside the slot's own task, but in a context of the job's own.

A task per job would be the plain way to give each its context; it costs half of the throughput.
So the slot's task steps the job's coroutine itself, each step in the job's context.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any

from onbeat.runtime.tasks import Definition
from onbeat.runtime.worker.running import Running


async def run_coroutine(
    definition: Definition, running: Running, kwargs: dict[str, Any], context: Context
) -> Any:
    """Await the task's function; one that never waits never touches the event loop."""
    if definition.wants_run:
        coroutine = context.run(definition.function, running.run, **kwargs)
    else:
        coroutine = context.run(definition.function, **kwargs)
    return await _step_through(coroutine, context)


@types.coroutine
def _step_through(
    coroutine: Coroutine[Any, Any, Any], context: Context
) -> Generator[Any, Any, Any]:
    """Pass what the coroutine waits for to the loop, and what the loop answers back to it."""
    try:
        waits_for = context.run(coroutine.send, None)
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
