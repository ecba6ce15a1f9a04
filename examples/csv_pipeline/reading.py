"""A company's file as it comes: in any common encoding, delimiter, order and naming of columns.

Pure: bytes in, rows and what was wrong with others out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

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


class BrokenFile(Exception):
    """It cannot be read as a whole; nothing of it is taken."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by our names of its columns, or why it is none."""

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
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header, places = _header(lines)
    ignored = tuple(name for name in header if name not in places)
    reading = Reading(encoding, delimiter, ignored)
    reading.rows.extend(_rows(lines, header, places))
    return reading


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


def _header(lines: Iterator[list[str]]) -> tuple[list[str], dict[str, str]]:
    """The names as they stand, and which of ours each is."""
    try:
        header = [name.strip().lower().replace(" ", "_") for name in next(lines)]
    except (StopIteration, csv.Error) as error:
        raise BrokenFile(f"its first line is no header: {error}") from None
    places = {
        name: ours for ours, known in NAMES.items() for name in known if name in header
    }  # fmt: skip
    missing = [name for name in REQUIRED if name not in places.values()]
    if missing:
        raise BrokenFile(f"its header has no {', '.join(missing)}: {', '.join(header)[:100]!r}")
    return header, places


def _rows(lines: Iterator[list[str]], header: list[str], places: dict[str, str]) -> Iterator[Row]:
    number = 1
    while True:
        number += 1
        try:
            values = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            if UNCLOSED in str(error):
                raise BrokenFile(f"a quote in row {number} is never closed") from None
            yield Row(number, {}, f"quoting: {error}")
            continue
        if any(value.strip() for value in values):
            yield _row(number, values, header, places)


def _row(number: int, values: list[str], header: list[str], places: dict[str, str]) -> Row:
    if len(values) > len(header):
        return Row(number, {}, f"it has {len(values)} fields, the header {len(header)}")
    padded = [*values, *[""] * (len(header) - len(values))]  # programs drop empty fields at the end
    fields = {
        places[name]: value.strip()
        for name, value in zip(header, padded, strict=True)
        if name in places
    }
    empty = [name for name in REQUIRED if not fields.get(name)]
    return Row(number, fields, f"{', '.join(empty)}: missing" if empty else None)
