"""docs/troubleshooting.md: each thing that it tells of is brought about, and told so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.walking import Walk, blocks

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    given = {name: value for name, value in os.environ.items() if "ONBEAT_" not in name}
    walk = Walk(tmp_path, {**given, "ONBEAT_API": "false"})
    yield walk
    walk.end()


@pytest.mark.timeout(1_200)  # it asks dozens of processes, one after the other
def test_commands_say_what_the_page_shows(walk: Walk) -> None:
    for block in blocks(PAGE.read_text()):
        walk.do(block)
