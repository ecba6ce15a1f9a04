"""Tasks of an application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, lasting
from onbeat.runtime.arguments import Parameter, parameters_of
from onbeat.runtime.tasks import Definition

COLUMNS = (
    Column("TASK", bends=True),
    Column("QUEUE", bends=True),
    Column("RUNS IN"),
    Column("TIMEOUT"),
    Column("TRIES", right=True),
    Column("ARGUMENTS", bends=True),
)


def task_data(task: Definition) -> dict[str, Any]:
    """A task for programs."""
    return {
        "name": task.name,
        "aliases": list(task.aliases),
        "function": f"{task.function.__module__}:{task.function.__qualname__}",
        "runs_in": task.runs_in,
        "queue": task.queue,
        "priority": task.priority,
        "timeout_s": None if task.timeout is None else task.timeout.total_seconds(),
        "max_attempts": task.retry.attempts,
        "arguments": [
            {"name": each.name, "required": each.required, "type": type_name(each.type)}
            for each in _parameters(task)
        ],
    }


def task_rows(tasks: Sequence[Definition]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            _names(task),
            task.queue,
            task.runs_in,
            lasting(task.timeout) if task.timeout else NONE,
            str(task.retry.attempts),
            ", ".join(
                f"{each.name}{'' if each.required else '?'}: {type_name(each.type)}"
                for each in _parameters(task)
            ),
        ]
        for task in tasks
    ]


def _names(task: Definition) -> str:
    return f"{task.name} (was {', '.join(task.aliases)})" if task.aliases else task.name


def _parameters(task: Definition) -> Sequence[Parameter]:
    return parameters_of(task.name, task.function, 1 if task.wants_run else 0)


def type_name(kind: Any) -> str:
    """A type as it is written in code."""
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
