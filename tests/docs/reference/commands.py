"""docs/reference/cli.md, from what each command says of itself."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout

from onbeat.cli.main import run
from onbeat.cli.root import PURPOSES, Entry

OF_ALL = ("--db URL", "--environment NAME", "--json  ", "--debug  ", "--help  ")
"""How the options begin that every command has."""


def commands() -> Iterator[str]:
    """The page."""
    yield "# Commands"
    yield ""
    yield (
        "Each command as `--help` tells it, without what all of them take: `--db URL` (or "
        "`ONBEAT_DB`), `--environment NAME` (or `ONBEAT_ENVIRONMENT`), `--json` for programs, "
        "`--debug` for tracebacks. What they end with: [exit codes](../operations.md#exit-codes). "
        "Which route of the API does the same: [commands and routes](../commands.md)."
    )
    yield ""
    for purpose, entries in PURPOSES.items():
        yield f"## {purpose}"
        yield ""
        for entry in entries:
            yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    names = getattr(entry.load(), "commands", None)
    if names is None:
        yield from _command(entry.name)
        return
    yield f"### {entry.name}"
    yield ""
    yield entry.about
    yield ""
    for name in names:
        yield from _command(entry.name, name, level=4)


def _command(*words: str, level: int = 3) -> Iterator[str]:
    yield f"{'#' * level} onbeat {' '.join(words)}"
    yield ""
    yield "```text"
    yield _shown(_help(*words))
    yield "```"
    yield ""


def _help(*words: str) -> str:
    with redirect_stdout(io.StringIO()) as said:
        run([*words, "--help"])
    return said.getvalue()


def _shown(text: str) -> str:
    """Without the options of all; each lies on a line of its own, or goes on in deeper ones."""
    kept: list[str] = []
    is_left_out = False
    for line in text.splitlines():
        if re.match(r"  -|\S|$", line):
            is_left_out = line.startswith(tuple(f"  {each}" for each in OF_ALL))
        if not is_left_out:
            kept.append(line.rstrip())
    shown = re.sub(r"Options:\n\n?(?=\n|  Example)", "", "\n".join(kept))
    return re.sub(r"\n{3,}", "\n\n", shown).strip("\n")
