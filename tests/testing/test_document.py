"""The examples of docs/testing.md are green when they are copied."""

from __future__ import annotations

import re
from pathlib import Path

from onbeat.crash_points import CrashPoint
from onbeat.testing.crashes import SCHEDULER_POINTS, WORKER_POINTS
from onbeat.testing.killing import KILLABLE
from tests.testing.projects import ROOT, run_pytest, write_project

DOCUMENT = (ROOT / "docs/testing.md").read_text()
SNIPPET = re.compile(r"^```python\n# (\S+)\n(.*?)^```", re.M | re.S)


def test_the_examples_pass_when_they_are_copied(tmp_path: Path) -> None:
    files = dict(SNIPPET.findall(DOCUMENT))
    written = sum(len(re.findall(r"def test_", text)) for text in files.values())
    write_project(tmp_path, files)

    ran = run_pytest(tmp_path, "-n", "0")

    assert f"{written} passed" in ran.stdout, ran.stdout + ran.stderr
    assert len(files) == DOCUMENT.count("```python")


def test_all_points_are_documented_with_what_may_die_there() -> None:
    table = DOCUMENT.split("<!-- points -->")[1]

    assert table.strip().splitlines()[2:] == [row(point) for point in CrashPoint]


def row(point: CrashPoint) -> str:
    who = "worker" if point in WORKER_POINTS else "scheduler" if point in SCHEDULER_POINTS else "–"  # noqa: RUF001 - as the tables have it
    return f"| `{point}` | {point.meaning} | {who} | {'yes' if point in KILLABLE else '–'} |"  # noqa: RUF001 - as above
