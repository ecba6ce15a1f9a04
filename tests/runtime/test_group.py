"""Who is in a command's process group."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator

import pytest

from onbeat.runtime.shell.group import Group
from tests.waiting import wait_for


def start_leader() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", "sleep 1000 & echo $!; read -r _"],
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    """A shell that leads a group, and one process more in it."""
    leader = start_leader()
    assert leader.stdin is not None
    assert leader.stdout is not None
    group = Group(leader)
    leader.stdout.readline()
    yield group
    group.send(signal.SIGKILL)
    await group.ended()
    group.let_go()
    leader.stdin.close()
    leader.stdout.close()


async def test_a_group_is_not_empty_while_the_leader_has_left_somebody(group: Group) -> None:
    os.kill(group.number, signal.SIGKILL)
    await group.ended()

    assert not group.is_empty()


async def test_a_group_is_empty_when_only_an_ended_leader_is_left(group: Group) -> None:
    async def look() -> bool:
        return group.is_empty()

    group.send(signal.SIGKILL)
    await group.ended()

    await wait_for(look, 10, "an empty group")
