"""CSV (RFC 4180) that spreadsheets open, and take none of it for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""What a cell begins with that is carried out (OWASP, CSV Injection), in full width too."""

GUARD = "'"
"""Put before such a text: a spreadsheet shows what follows, as text."""


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """The rows as CSV, each line ended with CRLF; what is no text, number or bool is JSON."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(map(_cell, row) for row in rows)
    return written.getvalue()


def _cell(value: Any) -> str | float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # No text on disk can hold NUL, which some readers of CSV end at.
    text = text.replace("\0", "\ufffd")
    return f"{GUARD}{text}" if text.startswith(FORMULA_SIGNS) else text
