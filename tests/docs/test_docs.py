"""What the documents say is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
RUN_AS_TESTS = ("testing.md", "troubleshooting.md", "tutorial.md")
"""Their snippets are the files of projects, which tests of their own run."""

SNIPPET = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


def snippets(document: Path) -> list[str]:
    return SNIPPET.findall(document.read_text())


@pytest.mark.parametrize(
    "document",
    [each for each in DOCUMENTS if snippets(each) and each.name not in RUN_AS_TESTS],
    ids=lambda path: path.name,
)
def test_the_snippets_of_a_document_run_one_after_the_other(document: Path, tmp_path: Path) -> None:
    program = tmp_path / "snippets.py"
    program.write_text("from sqlalchemy.orm import Session\n" + runnable(snippets(document)))

    ran = subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr


def runnable(parts: list[str]) -> str:
    """Snippets that use `await` or an engine of the reader's are only compiled."""
    code = []
    for part in parts:
        if re.search(r"^await |^with Session", part, re.M):
            wrapped = "async def _snippet(engine, charge):\n" + re.sub(
                r"^", "    ", part, flags=re.M
            )
            code.append(wrapped)
        else:
            code.append(part)
    return "\n".join(code)


def test_the_first_snippet_of_the_readme_prints_its_job_s_result(tmp_path: Path) -> None:
    program = tmp_path / "shop.py"
    program.write_text(snippets(ROOT / "README.md")[0])

    ran = subprocess.run(
        [sys.executable, program.name], cwd=tmp_path, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip

    assert ran.stdout.strip() == "order 42 of acme", ran.stderr


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def proofs() -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py::\w+)`", (ROOT / "docs/guarantees.md").read_text())


def test_a_promise_is_proven_by_tests() -> None:
    rows = re.findall(
        r"^\| (?!promise|---)(.+) \| (.+) \|$", (ROOT / "docs/guarantees.md").read_text(), re.M
    )

    assert [promise for promise, test in rows if "::" not in test] == []
    assert len(rows) > 20


@pytest.mark.parametrize("proof", proofs())
def test_the_test_that_proves_a_promise_is_there(proof: str) -> None:
    path, _, name = proof.partition("::")

    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.M)
