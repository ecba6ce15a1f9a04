"""A company's file as it comes: in any common encoding, delimiter, order and naming of columns.

Pure: bytes in, rows and what was wrong with others out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

NAMES = {
    "session_id": ("session_id", "sessionid", "session", "conversation_id", "id", "sitzung"),
    "started_at": ("started_at", "start", "start_time", "begin", "date", "beginn", "datum"),
    "message": ("message", "text", "question", "first_message", "nachricht"),
    "country": ("country", "country_code", "land"),
    "rating": ("rating", "stars", "score", "bewertung"),
    "updated_at": ("updated_at", "modified", "last_changed", "stand"),
}
"""What companies call the columns; the first three must be there."""

REQUIRED = ("session_id", "started_at", "message")
DELIMITERS = ",;\t|"
UNCLOSED = "unexpected end of data"
LONGEST_FIELD = 1_000_000
"""Characters. A quote that is never closed takes in what follows it, up to so much."""
RAW = "raw"
"""Where the text of a row stands that cannot be told apart into fields."""
LONGEST_RAW = 10_000

csv.field_size_limit(LONGEST_FIELD)


class BrokenFile(Exception):
    """It cannot be read as a whole; nothing of it is taken."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by our names of its columns, or as it stands, and why it is none."""

    line: int
    fields: dict[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that could be read."""

    encoding: str
    delimiter: str
    ignored: tuple[str, ...]
    """Columns that nobody asks for."""
    rows: list[Row] = field(default_factory=list)


def read(content: bytes) -> Reading:
    """Read a file. Raises BrokenFile."""
    text, encoding = _decoded(content)
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    lines = _Lines(text)
    records = csv.reader(lines, delimiter=delimiter, strict=True)
    header, places = _header(records)
    known = places.values()
    ignored = tuple(name for place, name in enumerate(header) if place not in known)
    reading = Reading(encoding, delimiter, ignored)
    reading.rows.extend(_rows(records, lines, len(header), places))
    return reading


class _Lines:
    """The lines of a text, and those that were asked for since `taken` was last emptied."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.taken.append(next(self._lines))
        return self.taken[-1]


def _decoded(content: bytes) -> tuple[str, str]:
    if not content.strip():
        raise BrokenFile("it is empty")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode(content, "utf-16"), "utf-16"
    if b"\x00" in content:
        raise BrokenFile("it is no text: there are zero bytes in it")
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:  # of those left, Windows' own is what exports are in
        return _decode(content, "cp1252"), "cp1252"


def _decode(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BrokenFile(f"it is neither UTF-8 nor {encoding}: {error}") from None


def _header(lines: Iterator[list[str]]) -> tuple[list[str], dict[str, int]]:
    """The names as they stand, and where each of ours is: under the first that we know it by."""
    try:
        header = [name.strip().lower().replace(" ", "_") for name in next(lines)]
    except (StopIteration, csv.Error) as error:
        raise BrokenFile(f"its first line is no header: {error}") from None
    places = {
        ours: header.index(found)
        for ours, known in NAMES.items()
        if (found := next((name for name in known if name in header), None)) is not None
    }
    missing = [name for name in REQUIRED if name not in places]
    if missing:
        raise BrokenFile(f"its header has no {', '.join(missing)}: {', '.join(header)[:100]!r}")
    return header, places


def _rows(
    records: Iterator[list[str]], lines: _Lines, columns: int, places: dict[str, int]
) -> Iterator[Row]:
    for number in count(2):
        lines.taken.clear()
        try:
            values = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            if (
                UNCLOSED in str(error) or len(lines.taken) != 1
            ):  # of how many rows they were nobody can say
                told = f"a quote in row {number} is never closed, or not where it should be"
                raise BrokenFile(f"{told}: {error}") from None
            yield _refused(number, lines, f"quoting: {error}")
            continue
        if len(values) > columns:
            told = f"it has {len(values)} fields, the header {columns}"
            yield _refused(number, lines, told)
        elif any(value.strip() for value in values):
            yield _row(number, values, places)


def _refused(number: int, lines: _Lines, problem: str) -> Row:
    return Row(number, {RAW: "".join(lines.taken).strip("\r\n")[:LONGEST_RAW]}, problem)


def _row(number: int, values: list[str], places: dict[str, int]) -> Row:
    fields = {  # programs drop empty fields at the end
        name: values[place].strip() if place < len(values) else "" for name, place in places.items()
    }
    empty = [name for name in REQUIRED if not fields[name]]
    return Row(number, fields, f"{', '.join(empty)}: missing" if empty else None)
