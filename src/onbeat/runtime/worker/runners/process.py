"""Runs functions in processes of their own, which can be killed.

A child is started afresh (never forked: threads and database connections do not survive that), is
the leader of its own session, and serves one job after the other over a socket. When the socket
closes, because the worker ended in whatever way, the child kills its whole group, and where it
cannot, because C code holds its interpreter, a guard beside it does: a killed worker
leaves no orphan running a job that somebody else has been given.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import deque
from typing import Any

import msgspec

from onbeat.domain.errors import OnbeatError
from onbeat.domain.jobs import MAX_PAYLOAD_LIMIT
from onbeat.domain.outcomes import Cancel, Snooze
from onbeat.runtime.tasks import Definition
from onbeat.runtime.worker.runners.messages import (
    Ended,
    Line,
    Order,
    Progress,
    Raised,
    decode_answer,
    encode_message,
)
from onbeat.runtime.worker.runners.patience import let_stop
from onbeat.runtime.worker.running import Ending, Running
from onbeat.store.column_types import to_micros
from onbeat.timing import Timing

PATIENCE = 5.0
"""Seconds that a process which was asked to end has to put away what it must, before it is killed.

Less than a stopping worker leaves to cancelled jobs.
"""

LONGEST_LINE = MAX_PAYLOAD_LIMIT + 4 * 1024 * 1024
"""The longest result, and room for what is around it."""


class ChildDied(OnbeatError):
    """The process that ran the job ended before the job did."""


GUARD = 'read -r _ || kill -s KILL -- "-$1"'
"""What a guard runs: it ends in peace when it is told a line, and kills the group when its input
closes without one, which the kernel does when the worker is gone, however it went.

A shell, because the child itself cannot: while C code holds its interpreter's lock, no handler
and no thread of its own runs.
"""


class Child:
    """One process, the socket to it, and the guard that ends it with the worker."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        guard: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Take over a started process."""
        self.process = process
        self.guard = guard
        self.reader = reader
        self.writer = writer

    @classmethod
    async def start(cls) -> Child:
        """Start a fresh interpreter that waits for orders."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "onbeat.runtime.worker.runners.child",
                str(theirs.fileno()),
                str(os.getpid()),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
            )
        finally:
            theirs.close()
        guard = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", GUARD, "onbeat-guard", str(process.pid),
            stdin=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
        return cls(process, guard, reader, writer)

    def terminate(self) -> None:
        """Ask the process, and all it has started, to end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the process and all it has started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.writer.close()

    async def wait(self) -> int:
        """Wait until it has ended; its exit code."""
        code = await self.process.wait()
        await self._dismiss_guard()
        return code

    async def _dismiss_guard(self) -> None:
        """Tell the guard that its work is done, before the process's number is used again."""
        if self.guard.stdin is not None and not self.guard.stdin.is_closing():
            with contextlib.suppress(ConnectionError):
                self.guard.stdin.write(b"done\n")
                await self.guard.stdin.drain()
            self.guard.stdin.close()
        await self.guard.wait()


class ProcessRunner:
    """Children that wait for their next job; as many as jobs under way at once."""

    def __init__(self, timing: Timing) -> None:
        """Start with none; jobs are told the time of `timing`."""
        self._timing = timing
        self._idle: deque[Child] = deque()
        self._busy: set[Child] = set()

    async def perform(
        self, definition: Definition, running: Running, kwargs: dict[str, Any]
    ) -> Any:
        """Run the function in a child; when cancelled, ask it to end, then kill it."""
        child = await self._take_idle() or await Child.start()
        self._busy.add(child)
        try:
            order = _order(definition, running, kwargs, self._timing)
            result = await self._listen(child, order, running)
        except (Raised, Snooze, Cancel):
            self._idle.append(child)
            raise
        except BaseException:
            child.kill()
            await asyncio.shield(child.wait())
            raise
        else:
            self._idle.append(child)
            return result
        finally:
            self._busy.discard(child)

    async def close(self) -> None:
        """Kill all children."""
        children = [*self._idle, *self._busy]
        self._idle.clear()
        for child in children:
            child.kill()
        for child in children:
            await child.wait()

    async def _take_idle(self) -> Child | None:
        while self._idle:
            child = self._idle.pop()
            if child.process.returncode is None and not child.reader.at_eof():
                return child
            child.kill()
            await child.wait()
        return None

    async def _listen(self, child: Child, order: Order, running: Running) -> Any:
        talk = asyncio.ensure_future(self._converse(child, order, running))
        try:
            return await asyncio.shield(talk)
        except asyncio.CancelledError:
            if running.ending is Ending.LOST:  # another has the job by now
                talk.cancel()
            else:
                child.terminate()
                await let_stop(talk, PATIENCE)
            raise

    async def _converse(self, child: Child, order: Order, running: Running) -> Any:
        child.writer.write(encode_message(order))
        await child.writer.drain()
        while line := await child.reader.readline():
            match decode_answer(line):
                case Line(level, message, fields):
                    running.run.log.line(level, message, msgspec.json.decode(fields))
                case Progress(fraction, note):
                    running.run.progress(fraction, note)
                case Ended() as ended:
                    return ended.give()
        code = await child.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise ChildDied(f"the process of the job ended by {how} before the job did")


def _order(
    definition: Definition, running: Running, kwargs: dict[str, Any], timing: Timing
) -> Order:
    function, run = definition.function, running.run
    main = sys.modules.get("__main__")
    return Order(
        task=definition.name,
        module=function.__module__,
        name=function.__qualname__,
        main=getattr(main, "__file__", None) if function.__module__ == "__main__" else None,
        path=sys.path,
        args=msgspec.Raw(definition.arguments.encode((), kwargs)),
        job=run.job,
        queue=run.queue,
        attempt=run.attempt,
        max_attempts=run.max_attempts,
        token=run.token,
        seconds=None if run.remaining is None else run.remaining.total_seconds(),
        occurrence_at=None if run.occurrence_at is None else to_micros(run.occurrence_at),
        max_payload=definition.max_payload,
        stands_at=None if timing.is_real else to_micros(timing.now()),
    )
