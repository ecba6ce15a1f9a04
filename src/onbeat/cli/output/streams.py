"""Where a command shows its answer: stdout for the answer, stderr for remarks about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from onbeat.cli.output.colours import QUIET
from onbeat.cli.output.tables import Cell, Column, table
from onbeat.cli.output.words import one_line, visible
from onbeat.domain.url_passwords import hide_passwords

UNBOUNDED = 1_000_000


class Output:
    """Shows to people in colour on a terminal, in plain text elsewhere; to programs as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        """Show JSON, or what people read."""
        self.as_json = as_json

    @property
    def width(self) -> int | None:
        """The terminal's width; None where there is none, and so no need to cut anything."""
        return _console(sys.stdout).width if sys.stdout.isatty() else None

    def show(self, answer: Any, draw: Callable[[], Iterable[str | Text]]) -> None:
        """Show the answer: as JSON, or as the lines that `draw` gives."""
        if self.as_json:
            self.data(answer)
        else:
            self.lines(draw())

    def data(self, answer: Any) -> None:
        """Write JSON on one line; on a terminal, where somebody reads it, indented."""
        encoded = msgspec.json.encode(answer)
        if sys.stdout.isatty():
            encoded = msgspec.json.format(encoded, indent=2)
        _write([encoded.decode()])

    def piece(self, piece: bytes) -> None:
        """Write a piece of a file as it is."""
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise BrokenPipeError from None  # as below

    def lines(self, lines: Iterable[str | Text]) -> None:
        """Write lines."""
        texts = (line if isinstance(line, Text) else Text(visible(line)) for line in lines)
        if sys.stdout.isatty() or _is_forced():
            console = _console(sys.stdout)
            for text in texts:
                console.print(text, soft_wrap=True)
        else:  # without colours rich has nothing to add, and takes 40 µs a line for it
            _write(text.plain for text in texts)
        sys.stdout.flush()

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[Text]:
        """A table that fits."""
        return table(columns, rows, self.width)

    def note(self, text: str) -> None:
        """Remark on the answer, without being part of it."""
        line = Text(f"note: {hide_passwords(one_line(text))}", QUIET)
        _console(sys.stderr).print(line, soft_wrap=True)

    def remark(self, lines: Iterable[Text]) -> None:
        """Show lines on stderr, beside the answer."""
        console = _console(sys.stderr)
        for line in lines:
            console.print(line, soft_wrap=True)

    def told(self, text: str) -> None:
        """Say that something was done; to people only."""
        if not self.as_json:
            self.lines([text])


def _write(lines: Iterable[str]) -> None:
    """Write lines; a reader's going away is for the entry, where click would call it a failure."""
    try:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        raise BrokenPipeError from None  # click looks for the number of the error, which is gone


class _Plain(Console):
    """A console that leaves it to the entry what a reader's going away means."""

    def on_broken_pipe(self) -> None:
        """Raise it again; rich itself would end the program as failed."""
        raise BrokenPipeError


def _console(stream: Any) -> Console:
    return _Plain(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if stream.isatty() else UNBOUNDED,
        force_terminal=None if _is_forced() else stream.isatty(),
    )


def _is_forced() -> bool:
    return bool(os.environ.get("FORCE_COLOR"))
