"""What failed is run again: it passes where it passed, and not where it was skipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

def test_that_passes(): ...
def test_that_skips(): pytest.skip("no server")
def test_that_fails(): assert False
"""


def rerun(folder: Path, *names: str) -> tuple[int, str]:
    """The exit code, and the end of what is said."""
    (folder / "test_some.py").write_text(TESTS)
    last = folder / ".pytest_cache/v/cache/lastfailed"
    last.parent.mkdir(parents=True)
    ids = [name if "/" in name else f"test_some.py::test_that_{name}" for name in names]
    last.write_text(json.dumps(dict.fromkeys(ids, True)))
    done = subprocess.run(
        [sys.executable, "-m", "tests.again"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.rpartition("\n\n")[2]


@pytest.mark.parametrize(
    ("names", "code"),
    [(["passes"], 0), (["passes", "skips"], 1), (["passes", "fails"], 1)],
)
def test_all_that_failed_must_pass_and_what_is_unsteady_is_named_last(
    tmp_path: Path, names: list[str], code: int
) -> None:
    unsteady = "Unsteady, as they passed alone:\n  test_some.py::test_that_passes\n"

    assert rerun(tmp_path, *names) == (code, unsteady)


def test_what_is_skipped_is_named(tmp_path: Path) -> None:
    told = "Skipped, which is not passed:\n  test_some.py::test_that_skips\n"

    assert rerun(tmp_path, "skips") == (1, told)


def test_those_of_folders_with_a_conftest_of_their_own_are_run_again(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "conftest.py").write_text("")
        (tmp_path / name / f"test_{name}.py").write_text("def test_it(): ...")
    ids = ("one/test_one.py::test_it", "other/test_other.py::test_it")

    code, told = rerun(tmp_path, *ids)

    assert code == 0
    assert all(each in told for each in ids)
