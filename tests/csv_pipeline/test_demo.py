"""The example `examples/csv_pipeline`, run as its users run it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.starting import start

PATIENCE = 280


@pytest.fixture
def begun() -> Iterator[list[subprocess.Popen[str]]]:
    """What a test has begun is gone at its end, with the instances that it began."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for each in processes:
        if each.poll() is None:
            os.killpg(each.pid, signal.SIGKILL)
        each.communicate()


def begin(url: str, begun: list[subprocess.Popen[str]], **variables: str) -> subprocess.Popen[str]:
    settings = {"ONBEAT_DB": url, **variables}
    begun.append(
        start("examples.csv_pipeline", "--rows", "300", settings=settings, start_new_session=True)
    )
    return begun[-1]


@pytest.mark.timeout(PATIENCE + 20)  # four processes, where others run too
def test_each_step_is_seen(database_url: str, begun: list[subprocess.Popen[str]]) -> None:
    ran = begin(database_url, begun, CSV_PIPELINE_SECONDS="220")

    out, _ = ran.communicate(timeout=PATIENCE)

    assert ran.returncode == 0, out
    assert " 0 missing" in out
    rows = set(re.findall(r"^  (C\d) +seen ", out, re.M))
    assert rows == {"C3", "C5", "C6", "C7", "C8"}


def test_a_step_that_is_not_seen_in_time_ends_it_with_failure(
    tmp_path: Path, begun: list[subprocess.Popen[str]]
) -> None:
    ran = begin(
        f"sqlite:///{tmp_path / 'onbeat.db'}", begun, CSV_PIPELINE_SECONDS="4",
        SESSION_PROCESSING_INTERVAL="1h",
    )  # fmt: skip

    out, _ = ran.communicate(timeout=PATIENCE)

    assert ran.returncode == 1, out
    assert re.search(r"^  C7 +MISSING +each row becomes a session", out, re.M), out
