"""Tasks of an application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.runtime.arguments import Parameter, parameters_of
from onbeat.runtime.tasks import Definition


def task_data(task: Definition) -> dict[str, Any]:
    """A task for programs."""
    return {
        "name": task.name,
        "aliases": list(task.aliases),
        "function": f"{task.function.__module__}:{task.function.__qualname__}",
        "runs_in": task.runs_in,
        "queue": task.queue,
        "tags": list(task.tags),
        "priority": task.priority,
        "timeout_s": None if task.timeout is None else task.timeout.total_seconds(),
        "max_attempts": task.retry.attempts,
        "arguments": [
            {"name": each.name, "required": each.required, "type": type_name(each.type)}
            for each in parameters(task)
        ],
    }


def parameters(task: Definition) -> Sequence[Parameter]:
    """What a task is given."""
    return parameters_of(task.name, task.function, 1 if task.wants_run else 0)


def type_name(kind: Any) -> str:
    """A type as it is written in code."""
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
