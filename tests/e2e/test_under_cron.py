"""A line of a crontab that asks Onbeat for its command, under a real cron: BusyBox's `crond`."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onbeat import JobFilter, Onbeat, State
from tests.servers.debian import needed
from tests.waiting import wait_for

GUIDE = Path(__file__).parents[2] / "docs/migrating.md"
BIN = Path(sys.executable).parent

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="crond runs its commands as root alone"),
]
IN_ITS_FOLDER = "cd /srv/shop && .venv/bin/onbeat"
"""How cron comes to the program and its settings."""


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Until the block ends."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def line_of_the_guide() -> str:
    """The one that is tracked where it is, each minute."""
    asks = rf"^\*/5 (\* \* \* \*  {re.escape(IN_ITS_FOLDER)} jobs enqueue .+)$"
    [line] = re.findall(asks, GUIDE.read_text(), re.M)
    return f"* {line}"


async def test_a_line_that_asks_for_its_command_is_on_record_each_minute(tmp_path: Path) -> None:
    crond = needed("busybox", package="busybox-static")
    url, script = f"sqlite:///{tmp_path / 'jobs.db'}", tmp_path / "export_orders"
    script.write_text("#!/bin/sh\necho 17 orders exported\n")
    script.chmod(0o755)
    own = {"ONBEAT_DB": url, "PATH": f"{BIN}:{os.environ['PATH']}",
           "PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # fmt: skip
    told = " ".join(f"{name}={value}" for name, value in own.items())
    line = line_of_the_guide().replace("/srv/shop/bin/export_orders", str(script))
    (tmp_path / "crontabs").mkdir()
    (tmp_path / "crontabs" / getpass.getuser()).write_text(
        line.replace(IN_ITS_FOLDER, f"cd {tmp_path} && env {told} {BIN / 'onbeat'}")
        + f" > {tmp_path / 'said'} 2>&1\n"
    )

    up = [str(BIN / "onbeat"), "up"]
    cron = [str(crond), "crond", "-f", "-L", os.devnull, "-c", str(tmp_path / "crontabs")]
    async with Onbeat(url) as ob:
        with running(up, {**os.environ, **own, "ONBEAT_SHELL": "true"}), running(cron, {**own}):

            async def has_run() -> bool:
                return bool(
                    await ob.jobs.list(JobFilter(tag="export_orders", state=State.COMPLETED))
                )

            await wait_for(has_run, seconds=150, what="a minute of cron's")
        [job, *_] = await ob.jobs.list(JobFilter(tag="export_orders", state=State.COMPLETED))

    assert json.loads(job.args)["command"] == str(script)
