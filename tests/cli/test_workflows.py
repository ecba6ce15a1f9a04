"""`onbeat workflows`: what waits for what, told as a tree, as JSON, as a graph; called off."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from onbeat import Flow, Onbeat, Settings
from onbeat.cli.views import workflows as view
from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.domain.workflows import OnFailure, Workflow, WorkflowJob
from tests.cli.running import Cli


async def note() -> None:
    """What every job does."""


def start(url: str, **waits: list[str]) -> Flow:
    """Start a workflow of these jobs; any end will do of a parent that has a `?` behind it."""

    async def run() -> Flow:
        async with Onbeat(url, settings=Settings()) as ob:
            task = ob.task(note)
            flow = ob.workflow("nightly")
            for label, parents in waits.items():
                on = "end" if any("?" in each for each in parents) else "success"
                after = [each.rstrip("?") for each in parents]
                flow.add(task.bind(), label=label, after=after, on=on)  # type: ignore[arg-type]
            return await flow.start()

    return asyncio.run(run())


@pytest.fixture
def flow(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """A workflow that fans out, in again, and is tidied up after; on either engine."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return start(
        database_url, extract=[], left=["extract"], right=["extract"], load=["left", "right"],
        tidy=["load?"],
    )  # fmt: skip


def test_workflows_are_listed(cli: Cli, flow: Flow) -> None:
    [listed] = cli.answer("workflows", "ls", "--name", "nightly")["workflows"]

    assert (listed["id"], listed["state"], listed["total"], listed["ended"]) == (
        flow.id, "running", 5, 0,
    )  # fmt: skip
    assert "0 of 5" in cli.text("workflows", "ls")
    assert cli.answer("workflows", "ls", "--name", "weekly") == {"workflows": []}


def test_none_is_said_to_be_none(cli: Cli, database_url: str) -> None:
    said = cli("workflows", "ls", "--db", database_url)

    assert "no workflows" in said.err


def test_of_many_parents_a_few_are_named(cli: Cli, database: str) -> None:
    parents: dict[str, list[str]] = {f"one-{number}": [] for number in range(1, 11)}
    flow = start(database, **parents, all=list(parents))

    said = cli.text("workflows", "show", flow.id)

    assert "also after one-2, one-3, one-4 and 6 more" in said
    assert "one-5, " not in said


def test_of_as_many_parents_as_are_named_none_is_more(cli: Cli, database: str) -> None:
    parents: dict[str, list[str]] = {f"one-{number}": [] for number in range(1, 5)}
    flow = start(database, **parents, all=list(parents))

    said = cli.text("workflows", "show", flow.id)

    assert "also after one-2, one-3, one-4\n" in said


def test_a_workflow_is_shown_as_a_tree(cli: Cli, flow: Flow) -> None:
    first, empty, *tree = cli.text("workflows", "show", flow.id).splitlines()

    assert first.startswith("nightly running: 0 of 5 jobs ended, started ")
    assert empty == ""
    assert tree == [
        "extract    pending",
        "├─ left    blocked",
        "│  ↓ load  blocked  also after right",
        "│  ↓ tidy  blocked  after any end",
        "└─ right   blocked",
    ]


def test_a_large_tree_is_cut_and_says_so(cli: Cli, flow: Flow) -> None:
    *_, last = cli.text("workflows", "show", flow.id, "--limit", "2").splitlines()

    assert last == "and 3 jobs more: --limit, or --json for all"


def test_what_did_not_succeed_is_named_where_a_tree_is_cut(cli: Cli, database: str) -> None:
    names: dict[str, list[str]] = {f"one-{number}": [] for number in range(1, 7)}
    flow = start(database, **names, all=list(names))
    ids = {each["label"]: each["id"] for each in cli.answer("workflows", "show", flow.id)["jobs"]}
    cli.answer("jobs", "cancel", ids["one-5"])

    *_, told, last = cli.text("workflows", "show", flow.id, "--limit", "2").splitlines()

    assert told == f"not shown: one-5 cancelled ({ids['one-5']})"
    assert last == "and 5 jobs more: --limit, or --json for all"


def test_failures_are_counted_above_a_tree_and_a_few_named_where_it_is_cut() -> None:
    now = datetime(2030, 6, 15, 12, tzinfo=UTC)
    found = Workflow(
        id="0" * 32, name="nightly", on_failure=OnFailure.CONTINUE, total=7, failed=5,
        ended=7, cancelled=1, created_at=now, ended_at=now,
    )  # fmt: skip
    states = [State.COMPLETED, State.CANCELLED, *[State.FAILED] * 5]
    jobs = [
        WorkflowJob(
            id=JobId(f"id-{n}"), label=f"job-{n}", task="t", state=each, reason=None, parents={}
        )
        for n, each in enumerate(states)
    ]

    first, *_, told, _ = view.page(found, jobs, now, 1)

    assert "7 of 7 jobs ended, 5 failed, 1 cancelled" in str(first)
    assert told == (
        "not shown: job-2 failed (id-2), job-3 failed (id-3), job-4 failed (id-4) and 3 more"
    )


def test_programs_are_given_all_of_it(cli: Cli, flow: Flow) -> None:
    answer = cli.answer("workflows", "show", flow.id)

    assert answer["workflow"]["on_failure"] == "continue"
    assert {each["label"]: each["after"] for each in answer["jobs"]} == {
        "extract": {}, "left": {"extract": "success"}, "right": {"extract": "success"},
        "load": {"left": "success", "right": "success"}, "tidy": {"load": "end"},
    }  # fmt: skip


def test_a_workflow_is_drawn_by_mermaid(cli: Cli, flow: Flow) -> None:
    lines = cli.text("workflows", "show", flow.id, "--format", "mermaid").splitlines()

    assert lines[0] == "flowchart TD"
    assert '  j0["extract<br/>pending"]:::pending' in lines
    assert "  j0 --> j1" in lines
    assert "  j3 -.-> j4" in lines


def test_a_workflow_is_drawn_by_graphviz(cli: Cli, database_url: str) -> None:
    flow = start(database_url, **{'a"b': [], "c": ['a"b?']})

    shown = ("workflows", "show", flow.id, "--format", "dot", "--db", database_url)
    lines = cli.text(*shown).splitlines()

    assert lines[0] == 'digraph "nightly" {'
    assert '  "a\\"b" -> "c" [style=dotted];' in lines
    assert lines[-1] == "}"


def test_a_workflow_is_cancelled_with_a_reason(cli: Cli, flow: Flow) -> None:
    assert cli.text("workflows", "cancel", flow.id, "--reason", "wrong day") == "5 jobs cancelled\n"

    jobs = cli.answer("workflows", "show", flow.id)["jobs"]
    assert {(each["state"], each["reason"]) for each in jobs} == {("cancelled", "wrong day")}


def test_a_workflow_that_is_not_there_is_refused(cli: Cli, flow: Flow) -> None:
    for verb in ("show", "cancel"):
        code, told = cli.refusal("workflows", verb, "0" * 32)
        assert (code, "onbeat workflows ls" in told) == (3, True)
        assert cli.refusal("workflows", verb, "nightly")[0] == 2


def test_why_a_job_waits_names_its_parents(cli: Cli, flow: Flow) -> None:
    load = next(
        each["id"] for each in cli.answer("workflows", "show", flow.id)["jobs"]
        if each["label"] == "load"
    )  # fmt: skip

    said = cli.text("jobs", "why", load)

    assert "it waits for 2 jobs of workflow nightly: left is blocked" in said
    assert "extract: no worker is running" in said


def test_it_was_started_now(cli: Cli, flow: Flow) -> None:
    started = cli.answer("workflows", "show", flow.id)["workflow"]["created_at"]

    age = datetime.now(UTC) - datetime.fromisoformat(started)
    assert abs(age.total_seconds()) < 60
