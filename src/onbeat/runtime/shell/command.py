"""A command under way: a session of its own, and a guard that ends it when the worker is gone.

The command's shell first waits for a line on its input. Only when the guard stands beside it is
the line written: a worker killed at any moment leaves no command running.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from onbeat.runtime.shell.accounts import Account
from onbeat.runtime.shell.output import PIECE, Output
from onbeat.runtime.worker.runners.process import GUARD

HELD = 'read -r _ || exit 125; exec "$@"'
"""POSIX's `read` takes no byte more than its line from a pipe: the rest is the command's input."""

GRACE = 3.0
"""Seconds from SIGTERM to SIGKILL: less than the five after which a job is cancelled again."""

LOOK_EVERY = 0.05
LAST_SECONDS = 1.0


class Command:
    """One command, its guard, and the pipes to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, guard: asyncio.subprocess.Process
    ) -> None:
        """Take over a held process and its guard."""
        self._process = process
        self._guard = guard
        self._pipes: list[asyncio.Task[None]] = []

    @classmethod
    async def start(
        cls, words: Sequence[str], environment: dict[str, str], account: Account, own: int
    ) -> Command:
        """Start `words` as `account`, held until `run` lets it go. Raises OSError."""
        other = account.uid != own
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", HELD, "onbeat-shell", *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=PIECE,
            cwd=_folder(environment["HOME"]),
            env=environment,
            start_new_session=True,
            user=account.uid if other else None,
            group=account.gid if other else None,
            extra_groups=account.groups if other else None,
        )  # fmt: skip
        try:
            guard = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", GUARD, "onbeat-guard", str(process.pid),
                stdin=asyncio.subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except BaseException:
            process.kill()
            process._transport.close()  # type: ignore[attr-defined]
            raise
        return cls(process, guard)

    async def run(self, stdin: bytes, output: Output) -> int:
        """Let it go, and wait until it has ended and nobody writes to its output any more.

        So does cron: a command that leaves something running in the background counts as ended
        once that has closed the output, or never had it. Its exit code, negative for a signal.
        """
        process = self._process
        assert process.stdout is not None  # noqa: S101 - they are pipes; this is for the checker
        assert process.stderr is not None  # noqa: S101
        feeding = asyncio.create_task(self._feed(stdin))
        following = [
            asyncio.create_task(output.follow(process.stdout, "info")),
            asyncio.create_task(output.follow(process.stderr, "warning")),
        ]
        self._pipes = [feeding, *following]
        await asyncio.wait(following)
        code = await process.wait()
        await self._let_go()
        return code

    async def end(self) -> None:
        """Ask the whole group to end, and kill what is left of it after the grace period."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while self._signal(0):  # noqa: ASYNC110 - nobody is told when a group is empty
                    await asyncio.sleep(LOOK_EVERY)
        self._signal(signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await self._process.wait()
        await self._let_go()

    async def _feed(self, stdin: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - as above
        pipe.write(b"go\n" + stdin)
        await pipe.drain()  # fails where nobody reads it, which is no fault of the command
        pipe.close()

    def _signal(self, number: int) -> bool:
        """Send a signal to the group; whether there still is one."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    async def _let_go(self) -> None:
        """Send the guard home, and close what is open."""
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        if self._guard.stdin is not None:
            with contextlib.suppress(ConnectionError):
                self._guard.stdin.write(b"done\n")
                await self._guard.stdin.drain()
            self._guard.stdin.close()
        await self._guard.wait()
        # Something that left the group may hold the pipes; nobody reads them from here on.
        self._process._transport.close()  # type: ignore[attr-defined]


def _folder(home: str) -> str:
    """Where the command starts; cron too goes on elsewhere when there is no such home."""
    return home if Path(home).is_dir() else "/"
