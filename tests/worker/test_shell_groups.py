"""A command's process group: ended as a whole with the job, and never taken for a stranger's."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from onbeat.runtime.shell import shell_definition
from onbeat.store.store import Store
from tests.waiting import wait_for
from tests.worker.test_ends import gone, pids_in
from tests.worker.test_shell import ask
from tests.worker.workshop import DEADLINE, Workshop

NOTE = "echo $! $$ > {note}.part; mv {note}.part {note}"
"""How a command tells the number of what it leaves behind, and its own."""

LEFT_OUTSIDE = "setsid cat {gate} & " + NOTE
"""The command ends; what is in a session of its own still holds the output."""

LEFT_INSIDE = "sleep 1000 & " + NOTE
"""The command ends; what is in its group still holds the output."""

STUBBORN_INSIDE = "trap '' TERM; " + LEFT_INSIDE


@pytest.fixture
def shop(live_store: Store) -> Workshop:
    """A workshop whose workers have the task `shell`."""
    shop = Workshop(live_store)
    shop.registry.add(shell_definition())
    return shop


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """Where a command writes the numbers."""
    return tmp_path / "pids"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """Whoever reads it goes on when the test writes to it, or is over."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    yield gate
    os.close(os.open(gate, os.O_RDWR))


def open_gate(gate: Path) -> None:
    """Let whoever reads it go on."""
    gate.write_text("")


def has_number(pid: int) -> bool:
    """Whether the number is somebody's, be it of one that has ended."""
    return Path(f"/proc/{pid}").exists()


def guards_of(group: int) -> list[int]:
    """The guards beside a command."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"onbeat-guard" in words and str(group).encode() in words:
            found.append(int(folder.name))
    return found


async def test_the_number_of_a_command_that_has_ended_is_kept_until_its_job_is_over(
    shop: Workshop, note: Path, gate: Path
) -> None:
    async with shop.working():
        job = await ask(shop, LEFT_OUTSIDE.format(note=note, gate=gate))
        [_, command] = await pids_in(note)
        await gone(command)
        await shop.result(await ask(shop, "true"))  # time enough for whoever may wait for it
        was_kept = has_number(command)
        open_gate(gate)
        await shop.result(job)

    assert was_kept


async def test_the_number_of_a_command_is_free_when_its_job_is_over(
    shop: Workshop, note: Path, gate: Path
) -> None:
    async with shop.working():
        job = await ask(shop, LEFT_OUTSIDE.format(note=note, gate=gate))
        [_, command] = await pids_in(note)
        open_gate(gate)
        await shop.result(job)

    with pytest.raises(ProcessLookupError):
        os.kill(command, 0)


async def test_a_guard_goes_home_when_nobody_is_left_in_the_group(
    shop: Workshop, note: Path, gate: Path
) -> None:
    async def look() -> bool:
        return not guards_of(command)

    async with shop.working():
        job = await ask(shop, LEFT_OUTSIDE.format(note=note, gate=gate))
        [_, command] = await pids_in(note)
        await wait_for(look, DEADLINE, "the guard to go")
        open_gate(gate)
        await shop.result(job)


async def test_what_is_left_in_a_session_of_its_own_is_not_ended_with_the_job(
    shop: Workshop, note: Path, gate: Path
) -> None:
    async with shop.working():
        job = await ask(shop, LEFT_OUTSIDE.format(note=note, gate=gate))
        [left, command] = await pids_in(note)
        await gone(command)
        await shop.cancel(job)
        await shop.ended(job)
    os.kill(left, 0)
    open_gate(gate)

    await gone(left)


@pytest.mark.parametrize("command", [LEFT_INSIDE, STUBBORN_INSIDE], ids=["polite", "stubborn"])
async def test_what_a_command_left_in_its_group_is_ended_with_the_job(
    shop: Workshop, note: Path, command: str
) -> None:
    async with shop.working():
        job = await ask(shop, command.format(note=note), longest=timedelta(seconds=0.5))
        pids = await pids_in(note)
        await shop.ended(job)

    [attempt] = await shop.attempts(job)
    assert attempt.outcome == "timed out"
    await gone(*pids)


async def test_what_a_command_left_in_its_group_does_not_outlive_a_killed_worker(
    note: Path,
) -> None:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.worker.commanding", LEFT_INSIDE.format(note=note)
    )
    [left, command] = await pids_in(note)
    await gone(command)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()

    await gone(left)


async def test_a_job_that_is_ended_leaves_no_pipe_open(
    shop: Workshop, note: Path, gate: Path
) -> None:
    async with shop.working():
        before = open_to_processes()
        job = await ask(shop, LEFT_OUTSIDE.format(note=note, gate=gate))
        await pids_in(note)
        await shop.cancel(job)
        await shop.ended(job)
        after = open_to_processes()
    open_gate(gate)

    assert after == before


def open_to_processes() -> int:
    """How many pipes and processes this one has open."""
    links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(link.startswith(("pipe:", "anon_inode:[pidfd]")) for link in links)
