"""`onbeat workers`: who is there."""

from __future__ import annotations

from datetime import UTC, datetime

from onbeat.app.facts.workers import worker_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import workers as view

workers = noun("See which workers are there.")


@command(workers, "ls", "onbeat workers ls")
async def ls(asked: Invocation) -> None:
    """List the workers that are there, and what each runs."""
    async with asked.without_app().connected() as ob:
        found = await ob.workers.list()
    answer = {"workers": [worker_data(each) for each in found]}
    rows = view.worker_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if not found and not asked.json:
        asked.out.note("no workers: `onbeat up --app module:name` starts one")
