"""Tasks of an application."""

from __future__ import annotations

from collections.abc import Sequence

from onbeat.app.facts.tasks import parameters, type_name
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, lasting
from onbeat.runtime.tasks import Definition

COLUMNS = (
    Column("TASK", bends=True),
    Column("QUEUE", bends=True),
    Column("RUNS IN"),
    Column("TIMEOUT"),
    Column("TRIES", right=True),
    Column("ARGUMENTS", bends=True),
)


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
                for each in parameters(task)
            ),
        ]
        for task in tasks
    ]


def _names(task: Definition) -> str:
    return f"{task.name} (was {', '.join(task.aliases)})" if task.aliases else task.name
