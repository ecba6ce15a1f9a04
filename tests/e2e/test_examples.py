"""`make examples` runs all that there are, and each ends."""

from __future__ import annotations

import subprocess
import sys

from tests.e2e.examples import EXAMPLES, ROOT, TIMED_OUT, Example, ran


def test_every_example_with_a_command_is_among_those_that_are_run() -> None:
    folders = {each.parent for each in (ROOT / "examples").rglob("__main__.py")}

    assert {each.module for each in EXAMPLES} == {
        ".".join(folder.relative_to(ROOT).parts) for folder in folders
    }


def test_a_module_that_is_none_is_refused_with_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.examples", "examples.monitor", "--engine", "sqlite"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "examples.monitor is none of" in done.stderr
    assert "examples.csv_pipeline" in done.stderr


def test_an_example_that_does_not_end_is_missing() -> None:
    endless = Example("http.server", {}, ["0", "--bind", "127.0.0.1"], most_seconds=2)

    assert ran(endless, "sqlite", "sqlite://").code == TIMED_OUT
