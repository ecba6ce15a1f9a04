"""Which pages there are, and what each begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.docs.reference.commands import commands
from tests.docs.reference.errors import errors
from tests.docs.reference.events import events
from tests.docs.reference.metrics import metrics
from tests.docs.reference.moves import moves
from tests.docs.reference.python import python
from tests.docs.reference.rest import rest
from tests.docs.reference.variables import variables

FOLDER = Path(__file__).parents[3] / "docs" / "reference"

PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "python": python,
    "api": rest,
    "cli": commands,
    "settings": variables,
    "states": moves,
    "metrics": metrics,
    "events": events,
    "errors": errors,
}

MADE = (
    "<!-- Written by `python -m tests.docs.reference` from the code; what is changed here is lost. "
    "-->\n"
)


def page(name: str) -> str:
    """One of them, as Markdown, from what the code is now."""
    return "\n".join([MADE, *PAGES[name]()]).rstrip("\n") + "\n"
