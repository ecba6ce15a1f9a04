"""`onbeat tasks`: what an application can run."""

from __future__ import annotations

from onbeat.app.facts.tasks import task_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import tasks as view

tasks = noun("See which tasks an application has.")


@command(tasks, "ls", "onbeat tasks ls --app shop:ob", takes_app=True)
def ls(asked: Invocation) -> None:
    """List an application's tasks with their options.

    Arguments marked ? may be left out."""
    found = asked.need_app("tasks are listed from your code").definitions
    answer = {"tasks": [task_data(each) for each in found]}
    rows = view.task_rows(found)
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if not found and not asked.json:
        asked.out.note("no tasks: make one with @ob.task")
