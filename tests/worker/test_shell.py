"""The task `shell`: a command runs as under cron, and what came of it is on record."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onbeat.domain.attempts import Attempt, Failure
from onbeat.domain.jobs import Job, JobId, NewJob
from onbeat.domain.states import State
from onbeat.runtime.shell import shell_definition
from onbeat.runtime.shell.output import MOST_LINES, MOST_LOGGED, TAIL_LINES
from onbeat.store.store import Store
from tests.worker.test_ends import gone, pids_in
from tests.worker.workshop import SHORT, Workshop

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run as somebody else")
MEBIBYTE = 1024 * 1024


@pytest.fixture
def shop(live_store: Store) -> Workshop:
    """A workshop whose workers have the task `shell`."""
    shop = Workshop(live_store)
    shop.registry.add(shell_definition())
    return shop


async def ask(
    shop: Workshop, command: str, *, longest: timedelta | None = None, **args: Any
) -> JobId:
    """Ask for a command, to be ended after `longest`."""
    encoded = json.dumps({"command": command, **args}).encode()
    job = NewJob(
        id=shop.store.new_id(), task="shell", args=encoded, max_attempts=1, timeout=longest
    )
    await shop.store.enqueue([job])
    shop.store.wakeups.send([job.queue])
    return job.id


async def run(shop: Workshop, command: str, **args: Any) -> Any:
    """The result of a command that succeeds."""
    async with shop.working():
        return json.loads(await shop.result(await ask(shop, command, **args)) or "null")


async def fail(shop: Workshop, command: str, **args: Any) -> Failure:
    """What is kept of a command that fails."""
    async with shop.working():
        job = await ask(shop, command, **args)
        assert (await shop.ended(job)).state is State.FAILED
    [attempt] = await shop.attempts(job)
    assert attempt.error is not None
    return attempt.error


async def test_the_result_has_the_exit_code_and_the_last_lines(shop: Workshop) -> None:
    result = await run(shop, "seq 1000")

    last = [str(number) for number in range(1001 - TAIL_LINES, 1001)]
    assert result == {"exit_code": 0, "output": "\n".join(last), "bytes": 3893}


async def test_lines_go_into_the_log_those_of_stderr_as_warnings(shop: Workshop) -> None:
    async with shop.working():
        job = await ask(shop, "echo one; echo two >&2; sleep 0.1; printf three")
        kept = await shop.lines(job, 3)

    told = [(each.line.level, each.line.message) for each in kept]
    assert sorted(told[:2]) == [("info", "one"), ("warning", "two")]
    assert told[2] == ("info", "three")


async def test_lines_are_there_while_the_command_runs(shop: Workshop, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    async with shop.working():
        job = await ask(shop, f"echo waiting; cat {shlex.quote(str(gate))}")
        [line] = await shop.lines(job, 1)
        state = (await shop.show(job)).state
        gate.write_text("")
        await shop.ended(job)

    assert (line.line.message, state) == ("waiting", State.RUNNING)


async def test_an_exit_code_fails_the_job_with_its_last_lines(shop: Workshop) -> None:
    failure = await fail(shop, "echo first; echo last; exit 3")

    assert (failure.type, failure.message) == ("CommandFailed", "exit code 3: last")
    assert failure.traceback.splitlines() == ["first", "last", "CommandFailed: exit code 3"]


async def test_a_signal_fails_the_job_by_its_name(shop: Workshop) -> None:
    assert (await fail(shop, "kill -SEGV $$")).message == "killed by SIGSEGV"


async def test_a_failed_command_is_not_tried_again(shop: Workshop) -> None:
    async with shop.working():
        job = await ask(shop, "exit 1")
        ended = await shop.ended(job)

    assert (ended.state, ended.attempt) == (State.FAILED, 1)


async def test_the_environment_is_cron_s_and_nothing_of_the_worker_s(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", "postgresql://ann:s3cret@db/jobs")

    output = (await run(shop, "env; pwd", env={"A": "b c", "LOGNAME": "eve"}))["output"]

    *env, folder = output.splitlines()
    told = dict(line.split("=", 1) for line in env)
    assert set(told) == {"A", "HOME", "LOGNAME", "PATH", "SHELL", "PWD"}
    assert (told["A"], told["PATH"], told["SHELL"]) == ("b c", "/usr/bin:/bin", "/bin/sh")
    assert told["LOGNAME"] != "eve"
    assert folder == told["HOME"] == str(Path.home())


async def test_variables_set_the_shell_and_the_folder(shop: Workshop, tmp_path: Path) -> None:
    env = {"SHELL": "/bin/bash", "HOME": str(tmp_path)}

    result = await run(shop, "echo $BASH; pwd", env=env)

    assert result["output"] == f"/bin/bash\n{tmp_path}"


async def test_a_home_that_is_not_there_is_no_hindrance(shop: Workshop) -> None:
    assert (await run(shop, "pwd", env={"HOME": "/nonexistent"}))["output"] == "/"


async def test_a_shell_that_is_not_there_is_told(shop: Workshop) -> None:
    assert "/bin/nosuch: not found" in (
        await fail(shop, "true", env={"SHELL": "/bin/nosuch"})
    ).message  # fmt: skip


async def test_the_command_reads_its_input_and_then_the_end(shop: Workshop) -> None:
    assert (await run(shop, "cat", stdin="one\ntwo\n"))["output"] == "one\ntwo"
    assert (await run(shop, "cat; echo end"))["output"] == "end"


async def test_input_that_nobody_reads_is_no_hindrance(shop: Workshop) -> None:
    assert (await run(shop, "exec 0<&-; echo done", stdin="x" * 200_000))["output"] == "done"


async def test_bytes_that_are_not_text_are_replaced(shop: Workshop) -> None:
    assert (await run(shop, r"printf 'a\377b\000c'"))["output"] == "a\ufffdb\ufffdc"


async def test_a_long_line_is_cut(shop: Workshop) -> None:
    async with shop.working():
        job = await ask(shop, "head -c 20000 /dev/zero | tr '\\0' x; echo; echo next")
        long, following = await shop.lines(job, 2)

    assert (long.line.message[:3], long.line.message[-1]) == ("xxx", "…")
    assert len(long.line.message) < 5_000
    assert following.line.message == "next"


@pytest.mark.parametrize(
    "flood", ["yes | head -c 50000000", "head -c 50000000 /dev/zero | tr '\\0' x"]
)
async def test_a_flood_of_output_is_counted_but_not_held(shop: Workshop, flood: str) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # noqa: ASYNC240 - the peak begins anew
    before = peak()
    async with shop.working():
        job = await ask(shop, f"{flood}; echo; echo the last")
        result = json.loads(await shop.result(job) or "null")

    lines = await shop.lines(job, 1)
    assert result["bytes"] > 50_000_000
    assert result["output"].endswith("the last")
    assert peak() - before < 30 * MEBIBYTE
    assert len(lines) <= MOST_LINES + 1
    assert sum(len(each.line.message) for each in lines) < 2 * MOST_LOGGED


def peak() -> int:
    """The most bytes this process has held so far."""
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


async def test_what_runs_on_in_the_background_without_the_output_is_left(
    shop: Workshop, tmp_path: Path
) -> None:
    note, gate = tmp_path / "pid", tmp_path / "gate"
    os.mkfifo(gate)
    command = f"cat {gate} >/dev/null 2>&1 & echo $! > {note}; echo done"

    result = await run(shop, command)

    [pid] = await pids_in(note)
    gate.write_text("")
    assert result["output"] == "done"
    await gone(pid)


Ender = Callable[[Workshop, JobId], Any]


async def out_of_time(shop: Workshop, job: JobId) -> None:
    """The job's timeout is short; there is nothing to do."""


async def called_off(shop: Workshop, job: JobId) -> None:
    await shop.cancel(job)


TREE = "sleep 1000 & echo $! > {note}.part; echo $$ >> {note}.part; mv {note}.part {note}; wait"
STUBBORN = "trap '' TERM; " + TREE


@pytest.mark.parametrize(
    ("end", "longest", "outcome"),
    [(out_of_time, SHORT * 5, "timed out"), (called_off, None, "cancelled")],
)
@pytest.mark.parametrize("tree", [TREE, STUBBORN], ids=["polite", "stubborn"])
async def test_a_command_that_is_ended_leaves_nothing_running(
    shop: Workshop, tmp_path: Path, tree: str, end: Ender, longest: timedelta | None, outcome: str
) -> None:
    note = tmp_path / "pids"
    async with shop.working():
        job = await ask(shop, tree.format(note=note), longest=longest)
        pids = await pids_in(note)
        await end(shop, job)
        ended: Job = await shop.ended(job)

    [attempt] = await shop.attempts(job)
    assert (ended.state.is_final, attempt.outcome) == (True, outcome)
    await gone(*pids)


async def test_a_command_may_clean_up_when_it_is_asked_to_end(
    shop: Workshop, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    command = f"trap 'echo cleaned; exit 1' TERM; echo $$ > {note}; sleep 1000 & wait"
    async with shop.working():
        job = await ask(shop, command)
        await pids_in(note)
        await shop.cancel(job)
        await shop.ended(job)
        [line] = await shop.lines(job, 1)

    assert line.line.message == "cleaned"


async def test_a_worker_that_shuts_down_gives_the_job_back_and_ends_the_command(
    shop: Workshop, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    async with shop.working(grace=SHORT):
        job = await ask(shop, TREE.format(note=note))
        pids = await pids_in(note)

    [attempt] = await shop.attempts(job)
    assert attempt.outcome == "interrupted"
    assert (await shop.show(job)).state is State.PENDING
    await gone(*pids)


@pytest.fixture
def groups() -> Iterator[None]:
    """A worker that is in groups of its own."""
    before = os.getgroups()
    os.setgroups([0, 4])
    yield
    os.setgroups(before)


@AS_ROOT
@pytest.mark.usefixtures("groups")
async def test_root_runs_a_command_as_the_user_it_names(shop: Workshop) -> None:
    output = (await run(shop, "id -un; id -Gn; echo $LOGNAME", user="nobody"))["output"]

    assert output.splitlines() == ["nobody", "nogroup", "nobody"]


async def test_a_user_that_is_not_there_fails_the_job_for_good(shop: Workshop) -> None:
    failure = await fail(shop, "true", user="nosuchuser")

    assert failure.type == "WrongAccount"
    assert "there is no user 'nosuchuser'" in failure.message


async def test_a_worker_without_the_task_leaves_the_job_and_says_how_to_enable_it(
    live_store: Store,
) -> None:
    shop = Workshop(live_store)
    async with shop.working():
        job = await ask(shop, "true")
        attempt = await first_attempt(shop, job)

    assert attempt.outcome == "snoozed"
    assert "ONBEAT_SHELL=true" in (attempt.reason or "")


async def first_attempt(shop: Workshop, job: JobId) -> Attempt:
    await shop.until(job, lambda shown: shown.reason is not None)
    return (await shop.attempts(job))[0]
