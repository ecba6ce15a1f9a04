"""`onbeat retention`: how long ended jobs are kept, and how many."""

from __future__ import annotations

from typing import Annotated

import typer

from onbeat.app.facts.retention import rule_data
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import retention as view
from onbeat.domain.retention import Keep, RuleState, parse_kept

retention = noun("See and set how long ended jobs are kept, and how many.")

WHOSE = "Whose jobs: task/NAME, queue/NAME or schedule/NAME."
Whose = Annotated[str, typer.Argument(metavar="SUBJECT", help=WHOSE)]
Kept = Annotated[
    str | None,
    typer.Option(metavar="KEPT", help="So many of the newest, so long, or both: 100, 30d, 100,30d"),
]


@command(retention, "ls", "onbeat retention ls")
async def ls(asked: Invocation) -> None:
    """List what is kept of whose jobs; of all others, as long as ONBEAT_RETENTION says."""
    async with asked.without_app().connected() as ob:
        found = await ob.retention.list()
    keep = asked.settings.retention
    answer = {"retention": [rule_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, view.rows(found, keep)))
    if not found and not asked.json:
        asked.out.note("no retention of its own for any task, queue or schedule; keep=Keep(…) in "
                       "code or `onbeat retention set` gives it one")  # fmt: skip


@command(retention, "set", "onbeat retention set task/send --completed 100 --failed 30d")
async def set_rule(
    asked: Invocation, subject: Whose, *, completed: Kept = None, failed: Kept = None
) -> None:
    """Keep so much of a subject's ended jobs from now on.

    A deploy does not undo it; `onbeat retention rm` does."""
    keep = Keep(
        completed=None if completed is None else parse_kept("completed", completed),
        failed=None if failed is None else parse_kept("failed", failed),
    )
    async with asked.without_app().connected() as ob:
        found = await ob.retention.set(subject, keep, asked.who)
        is_known = await ob.retention.is_known(subject)
    _show(asked, found)
    if not is_known:
        asked.out.note(
            f"nothing of {found.subject.scope} {found.subject.name} is in the database yet; if "
            f"that is misspelt, `onbeat retention rm {subject}` takes this away"
        )


def _show(asked: Invocation, found: RuleState) -> None:
    of_all = asked.settings.retention
    asked.out.show({"retention": rule_data(found)}, lambda: [view.told(found, of_all)])
    for remark in view.remarks(found, of_all):
        asked.out.note(remark)


@command(retention, "rm", "onbeat retention rm task/send")
async def rm(asked: Invocation, subject: Whose) -> None:
    """Take a subject's retention away; what code says holds again."""
    async with asked.without_app().connected() as ob:
        found = await ob.retention.remove(subject, asked.who)
    if found is None:
        asked.out.show({"removed": subject}, lambda: [f"{subject} has no retention of its own"])
        return
    _show(asked, found)
