"""The public API under mypy and basedpyright: what fits passes, each wrong line is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = sorted((Path(__file__).parent / "cases").glob("*.py"))
MARKED = re.compile(r"# error: .+$")

Findings = dict[str, dict[int, str]]
"""By file name: line and what was said of it."""


def run_mypy() -> Findings:
    """What mypy finds, with the settings a careful user has."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary",
         "--hide-error-context", "--no-pretty", *map(str, CASES)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"MYPYPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    found: Findings = {case.name: {} for case in CASES}
    for line in done.stdout.splitlines():
        match = re.match(r"(.+?):(\d+): error: (.*)", line)
        if match and Path(match[1]).name in found:
            found[Path(match[1]).name].setdefault(int(match[2]), match[3])
    assert done.returncode in (0, 1), done.stderr
    return found


def run_basedpyright() -> Findings:
    """What basedpyright finds as errors, in pyright's own standard mode."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("basedpyright")), "--outputjson", "--level", "error",
         "--pythonpath", sys.executable, *map(str, CASES)],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: Findings = {case.name: {} for case in CASES}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        line = each["range"]["start"]["line"] + 1
        found[Path(each["file"]).name].setdefault(line, each["message"])
    return found


@pytest.fixture(scope="module", params=[run_mypy, run_basedpyright], ids=["mypy", "basedpyright"])
def findings(request: pytest.FixtureRequest) -> Findings:
    """What a checker finds in all cases, run once."""
    found: Findings = request.param()
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_checker_finds_what_is_marked_and_nothing_else(case: Path, findings: Findings) -> None:
    lines = case.read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if MARKED.search(line)}

    assert set(findings[case.name]) == marked, findings[case.name]


def test_there_are_cases_of_both_kinds() -> None:
    marked = {case.name: bool(MARKED.search(case.read_text(), 0)) or "# error: " in case.read_text()
              for case in CASES}  # fmt: skip

    assert set(marked.values()) == {True, False}
