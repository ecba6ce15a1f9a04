"""A command under way: a session of its own, and a guard that ends it when the worker is gone.

The command's shell first waits for a line on its input. Only when the guard stands beside it is
the line written: a worker killed at any moment leaves no command running.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from onbeat.runtime.shell.accounts import Account
from onbeat.runtime.shell.group import Group
from onbeat.runtime.shell.output import Output
from onbeat.runtime.shell.pipes import Pipes
from onbeat.runtime.worker.runners.process import GUARD
from onbeat.timing import within

HELD = 'read -r _ || exit 125; exec "$@"'
"""POSIX's `read` takes no byte more than its line from a pipe: the rest is the command's input."""

GRACE = 3.0
"""Seconds from SIGTERM to SIGKILL: less than the five after which a job is cancelled again."""

LOOK_EVERY = 0.05
LAST_SECONDS = 1.0

LOOK_FOR_REST_EVERY = 1.0
"""Seconds between looks at what a command left in its group; one takes 0.3 ms per 100 processes."""


class Command:
    """One command, its guard, and the pipes to it."""

    def __init__(self, group: Group, pipes: Pipes, guard: asyncio.subprocess.Process) -> None:
        """Take over a held process and its guard."""
        self._group = group
        self._pipes = pipes
        self._guard = guard
        self._under_way: list[asyncio.Task[None]] = []

    @classmethod
    async def start(
        cls, words: Sequence[str], environment: dict[str, str], account: Account, own: int
    ) -> Command:
        """Start `words` as `account`, held until `run` lets it go. Raises OSError, NoGroup."""
        process = _start_held(words, environment, account, own)
        pipes = Pipes(process)
        try:
            group = Group(process)
        except BaseException:
            pipes.close()
            process.kill()
            process.wait()
            raise
        try:
            guard = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", GUARD, "onbeat-guard", str(group.number),
                stdin=asyncio.subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except BaseException:
            pipes.close()
            group.send(signal.SIGKILL)
            group.let_go()
            raise
        return cls(group, pipes, guard)

    async def run(self, stdin: bytes, output: Output) -> int:
        """Let it go, and wait until it has ended and nobody writes to its output any more.

        So does cron: a command that leaves something running in the background counts as ended
        once that has closed the output, or never had it. Its exit code, negative for a signal.
        """
        info, warning = await self._pipes.read()
        following = [
            asyncio.create_task(output.follow(info, "info")),
            asyncio.create_task(output.follow(warning, "warning")),
        ]
        self._under_way = [
            *following,
            asyncio.create_task(self._pipes.feed(b"go\n" + stdin)),
            asyncio.create_task(self._release_guard()),
        ]
        await asyncio.wait(following)
        await self._group.ended()
        code = await self._let_go()
        assert code is not None  # noqa: S101 - it has ended; this is for the checker
        return code

    async def end(self) -> None:
        """Ask the whole group to end, and kill what is left of it after the grace period."""
        self._group.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with within(GRACE):
                while not self._group.is_empty():  # noqa: ASYNC110 - nobody is told of that
                    await asyncio.sleep(LOOK_EVERY)
        self._group.send(signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with within(LAST_SECONDS):
                await self._group.ended()
        await self._let_go()

    async def _release_guard(self) -> None:
        """Send the guard home as soon as there is nobody left to guard against.

        When the worker is killed, the number is kept no longer: the guard must not act on it then.
        """
        await self._group.ended()
        await asyncio.sleep(LOOK_EVERY)  # most commands are over by then, and no look is needed
        while not self._group.is_empty():  # noqa: ASYNC110 - nobody is told of that
            await asyncio.sleep(LOOK_FOR_REST_EVERY)
        await self._dismiss_guard()

    async def _let_go(self) -> int | None:
        """Send the guard home, close what is open, and only then give the number away."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._dismiss_guard()
        # Something that left the group may hold the pipes; nobody reads them from here on.
        self._pipes.close()
        return self._group.let_go()

    async def _dismiss_guard(self) -> None:
        if self._guard.stdin is not None and not self._guard.stdin.is_closing():
            with contextlib.suppress(ConnectionError):
                self._guard.stdin.write(b"done\n")
                await self._guard.stdin.drain()
            self._guard.stdin.close()
        await self._guard.wait()


def _start_held(
    words: Sequence[str], environment: dict[str, str], account: Account, own: int
) -> subprocess.Popen[bytes]:
    """Not by asyncio, which waits for its processes at once, and so gives their numbers away."""
    other = account.uid != own
    return subprocess.Popen(
        ("/bin/sh", "-c", HELD, "onbeat-shell", *words),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_folder(environment["HOME"]),
        env=environment,
        start_new_session=True,
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=account.groups if other else None,
    )


def _folder(home: str) -> str:
    """Where the command starts; cron too goes on elsewhere when there is no such home."""
    return home if Path(home).is_dir() else "/"
