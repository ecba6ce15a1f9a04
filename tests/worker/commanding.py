"""A process that runs one command, as a worker would, to be killed meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

from onbeat.runtime.run import Record, RunLog
from onbeat.runtime.shell.accounts import account_of
from onbeat.runtime.shell.command import Command
from onbeat.runtime.shell.output import Output


async def main(command: str) -> None:
    own = os.geteuid()
    account = account_of(None, own=own)
    words = ("/bin/sh", "-c", command)
    started = await Command.start(words, account.environment({}), account, own)
    log = RunLog(Record(), lambda: datetime.now(UTC), lambda: None)
    await started.run(b"", Output(log))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
