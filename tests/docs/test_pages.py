"""The documents are whole: no link leads nowhere, no page is lost, each block says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, ROOT, anchors, broken, fences, reached, slug

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@every_page
def test_each_link_leads_to_a_file_and_to_a_heading(path: Path) -> None:
    assert list(broken(path)) == []


@every_page
def test_each_block_names_its_language(path: Path) -> None:
    assert [language for language in fences(path.read_text()) if not language] == []


def test_each_page_can_be_come_to_from_the_first() -> None:
    pages = {path for path in PAGES if path.is_relative_to(ROOT / "docs")}

    assert pages - reached(ROOT / "docs/README.md") == set()


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("When things break", "when-things-break"),
        ("The task `shell`", "the-task-shell"),
        ("What is kept, and for how long?", "what-is-kept-and-for-how-long"),
        ("The dead man's switch", "the-dead-mans-switch"),
        ("`/lite`", "lite"),
        ("See [the API](api.md)", "see-the-api"),
        ("A – B", "a--b"),  # noqa: RUF001 - as pages have it
    ],
)  # fmt: skip
def test_a_heading_is_linked_to_as_github_does(heading: str, expected: str) -> None:
    assert slug(heading) == expected


def test_of_headings_that_are_alike_the_second_has_a_number() -> None:
    assert anchors("# One\n## Two\n## Two\n") == {"one", "two", "two-1"}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n[x](#a) [y](#b) [z](gone.md) `[c](gone.md)`\n```md\n[d](gone.md)\n```\n")

    assert list(broken(page)) == [
        "#b: there is no such heading",
        "gone.md: there is no such file",
    ]
