"""Runs a coroutine inside the slot's own task, but in a context of the job's own.

A task per job would be the plain way to give each its context; it costs half of the throughput.
So the slot's task steps the job's coroutine itself, each step in the job's context.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextvars import Context
from functools import partial
from typing import Any

from onbeat.runtime.run import Run, current_run
from onbeat.runtime.tasks import Around, Definition, Proceed


def run_coroutine(
    definition: Definition, run: Run, kwargs: dict[str, Any], context: Context
) -> Awaitable[Any]:
    """Await the task's function; one that never waits never touches the event loop."""
    return _stepped(context, _first_step, definition, run, kwargs)


def run_around(
    around: Sequence[Around], run: Run, task: Proceed, context: Context
) -> Awaitable[Any]:
    """Await `task` within what is to be run around it, the first of it outermost."""
    for each in reversed(around):
        task = partial(each.run, run, task)
    return _stepped(context, _first_step_around, task, run)


@types.coroutine
def _stepped(
    context: Context, first: Callable[..., tuple[Coroutine[Any, Any, Any], Any]], *given: Any
) -> Generator[Any, Any, Any]:
    """Take each step of a coroutine in `context`.

    What the coroutine waits for is passed to the loop, and what the loop answers back to it.
    """
    try:
        coroutine, waits_for = context.run(first, *given)
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


def _first_step_around(task: Proceed, run: Run) -> tuple[Coroutine[Any, Any, Any], Any]:
    current_run.set(run)
    coroutine = _awaited(task)
    return coroutine, coroutine.send(None)


async def _awaited(task: Proceed) -> Any:
    return await task()
