"""The task `shell` itself: who, with what environment, and what is told of how it ended."""

from __future__ import annotations

import os
import signal
from typing import Annotated

import msgspec

from onbeat.domain.errors import OnbeatError
from onbeat.domain.jobs import DEFAULT_PRIORITY, DEFAULT_QUEUE
from onbeat.domain.retries import Retry
from onbeat.domain.secrets import SUSPECTS
from onbeat.runtime.run import Run
from onbeat.runtime.shell.accounts import WrongAccount, account_of
from onbeat.runtime.shell.command import Command
from onbeat.runtime.shell.output import Output
from onbeat.runtime.tasks import SHELL, Definition, define


class CommandEnded(msgspec.Struct):
    """The result of a command that succeeded."""

    exit_code: int
    output: str
    """Its last lines, of both streams in the order they came."""
    bytes: int
    """How much it wrote in all."""


class CommandFailed(OnbeatError):
    """A command that ended with another exit code than 0, or by a signal."""

    def __init__(self, how: str, tail: list[str]) -> None:
        """Tell how it ended, with its last lines before that."""
        last = next((line for line in reversed(tail) if line.strip()), "")
        super().__init__(f"{how}: {last.strip()}" if last else how)
        self.remote_traceback = "\n".join([*tail, f"CommandFailed: {how}"])
        """What is kept of the error; no traceback of ours says anything about a command."""


async def shell(
    run: Run,
    command: str,
    *,
    stdin: str = "",
    env: Annotated[dict[str, str] | None, SUSPECTS] = None,
    user: str | None = None,
) -> CommandEnded:
    """Run `command` as cron would: by the shell that `env` names, in HOME, as `user`.

    Raises CommandFailed, and WrongAccount where the worker cannot be that user.
    """
    own = os.geteuid()
    account = account_of(user, own=own)
    environment = account.environment(env or {})
    output = Output(run.log)
    words = (environment["SHELL"], "-c", command)
    started = await Command.start(words, environment, account, own)
    try:
        code = await started.run(stdin.encode(), output)
    except BaseException:
        await started.end()
        raise
    if code != 0:
        raise CommandFailed(_told(code), output.tail)
    return CommandEnded(exit_code=code, output="\n".join(output.tail), bytes=output.size)


def _told(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def shell_definition() -> Definition:
    """The task as a worker registers it; like cron, it tries a command once."""
    return define(
        shell,
        name=SHELL,
        queue=DEFAULT_QUEUE,
        priority=DEFAULT_PRIORITY,
        timeout=None,
        retry=Retry(1, never=(WrongAccount,)),
        isolate=None,
    )
