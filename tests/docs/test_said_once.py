"""Nothing is said twice in one document: what two changes left beside each other is found here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *sorted(ROOT.glob("docs/*.md"))]
SO_MANY = 10
"""Words in a row that no two sentences of a page share by chance."""


def prose(text: str) -> str:
    """What is written for people to read from end to end: no code, and no rows of tables."""
    text = re.sub(r"^```.*?^```|<!--.*?-->", "", text, flags=re.M | re.S)
    return "\n".join(line for line in text.splitlines() if not line.startswith("|"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_says_the_same_twice(page: Path) -> None:
    words = prose(page.read_text()).split()
    runs = [" ".join(words[at : at + SO_MANY]) for at in range(len(words) - SO_MANY + 1)]

    assert sorted({run for run in runs if runs.count(run) > 1}) == []
