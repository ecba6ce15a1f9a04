"""JSON that a user gave is written the same on both engines, of which one keeps it with spaces."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import Cli, start

# Keys in the order that jsonb keeps them in: by length first.
GIVEN = '{"id": 42, "of": [1, 2, {"x": null}], "note": "a, b: c"}'
SHOWN = '{"id":42,"of":[1,2,{"x":null}],"note":"a, b: c"}'

ECHO = """
from typing import Any
from onbeat import Onbeat, Run
ob = Onbeat()
@ob.task
async def echo(run: Run, given: dict[str, Any]) -> dict[str, Any]:
    run.log.info("echo", given=given)
    return given
"""


def test_arguments_of_jobs_and_schedules_have_no_spaces(cli: Cli, fresh: str) -> None:
    cli.answer("db", "migrate")
    job = cli.answer("jobs", "enqueue", "charge", "--args", GIVEN)["job"]["id"]
    daily = ("schedules", "add", "daily", "--task", "charge", "--every", "1d", "--args", GIVEN)
    cli.answer(*daily)

    for words in (("jobs", "show", job), ("schedules", "show", "daily")):
        for style in ((), ("--json",)):
            assert SHOWN in cli(*words, *style).out


def test_results_and_fields_of_the_log_have_none_either(cli: Cli, fresh: str, folder: Path) -> None:
    (folder / "echoing.py").write_text(ECHO)
    cli.answer("db", "migrate")
    asked = ("jobs", "enqueue", "echo", "--args", f'{{"given": {GIVEN}}}')
    with start("worker", "--app", "echoing:ob", "--json") as worker:
        worker.ready()
        waited = cli(*asked, "--wait", "--timeout", "20s")
    [job] = cli.answer("jobs", "ls")["jobs"]

    shown = cli("jobs", "show", job["id"], "--json").out

    assert waited.out.strip() == SHOWN
    assert f'"result":{SHOWN}' in shown
    assert f'"fields":{{"given":{SHOWN}}}' in shown
