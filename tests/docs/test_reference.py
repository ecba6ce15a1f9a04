"""The pages of docs/reference are what the code says."""

from __future__ import annotations

from typing import get_args

import pytest

from onbeat.domain.events import Event
from tests.docs.reference.events import named_by_module
from tests.docs.reference.pages import FOLDER, PAGES, page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says_now(name: str) -> None:
    """One that differs is written anew by `python -m tests.docs.reference`."""
    assert (FOLDER / f"{name}.md").read_text() == page(name)


def test_there_is_no_other_page() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*PAGES}


def test_every_event_is_told_of() -> None:
    assert named_by_module() == {kind.__name__ for kind in get_args(Event)}
