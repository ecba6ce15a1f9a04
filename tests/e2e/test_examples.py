"""`make examples` runs all that there are."""

from __future__ import annotations

from tests.e2e.examples import EXAMPLES, ROOT


def test_every_example_with_a_command_is_among_those_that_are_run() -> None:
    folders = {each.parent for each in (ROOT / "examples").rglob("__main__.py")}

    assert {each.module for each in EXAMPLES} == {
        ".".join(folder.relative_to(ROOT).parts) for folder in folders
    }
