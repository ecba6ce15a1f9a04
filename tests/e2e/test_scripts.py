"""An application that is one script, `python shop.py`, with a task in a process of its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import asyncio
from onbeat import JobFailed, Onbeat, Retry

ob = Onbeat("sqlite:///shop.db")

@ob.task(isolate="process", retry=Retry(1))
def work(number: int) -> int:
    return number + 1

"""

AWAITING = """
async def main():
    async with ob, ob.running():
        try:
            print(await (await work.enqueue(1)).result(timeout="60s"))
        except JobFailed as error:
            print(error)

"""
BLOCKING = """
work.enqueue_blocking(1)
"""
RUNNING = """
async def main():
    async with ob, ob.running():
        while [job.state for job in await ob.jobs.list()] not in (["completed"], ["failed"]):
            await asyncio.sleep(0.05)
    print([attempt.error for attempt in await ob.jobs.attempts((await ob.jobs.list())[0].id)])

"""
GUARDED = 'if __name__ == "__main__":\n    asyncio.run(main())\n'
UNGUARDED = "asyncio.run(main())\n"


def run_script(folder: Path, text: str) -> str:
    (folder / "shop.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if "ONBEAT" not in name}
    done = subprocess.run(
        [sys.executable, "shop.py"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    return done.stdout


def jobs(folder: Path) -> int:
    """How many have been asked for."""
    with sqlite3.connect(folder / "shop.db") as connection:
        return int(connection.execute("SELECT count(*) FROM onbeat_jobs").fetchone()[0])


def test_a_script_with_a_guarded_main_runs_its_task_in_a_process(tmp_path: Path) -> None:
    assert run_script(tmp_path, HEAD + AWAITING + GUARDED) == "2\n"
    assert jobs(tmp_path) == 1


@pytest.mark.parametrize("enqueue", [AWAITING, BLOCKING + RUNNING], ids=["await", "blocking"])
def test_a_script_without_a_guard_is_told_to_have_one_and_makes_no_further_jobs(
    tmp_path: Path, enqueue: str
) -> None:
    said = run_script(tmp_path, HEAD + enqueue + UNGUARDED)

    assert 'if __name__ == "__main__":' in said
    assert "shop.py" in said
    assert jobs(tmp_path) == 1
