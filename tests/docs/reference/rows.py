"""Tables, and what docstrings say, as Markdown."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


def table(*headings: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table and an empty line."""
    yield f"| {' | '.join(headings)} |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield f"| {' | '.join(cell(each) for each in row)} |"
    yield ""


def cell(text: str) -> str:
    """One line, in which no bar ends the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text as code; nothing where there is none."""
    return f"`{text}`" if text else ""


def about(thing: Any) -> str:
    """Its own docstring: that of a class it comes from says nothing of it."""
    said = thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__
    return inspect.cleandoc(said or "")


def field_notes(kind: type) -> dict[str, str]:
    """What stands under each field of a class, in the source."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(made, ast.ClassDef)
    notes: dict[str, str] = {}
    for field, said in zip(made.body, made.body[1:], strict=False):
        match field, said:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(note))),
            ):
                notes[name] = " ".join(note.split())
    return notes
