"""The bytes of a crontab as numbered lines, each either text or the reason why it is none.

One damaged line takes no other with it: each is decoded by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LINE = 64 * 1024
"""Bytes; cron itself ends a command at 1,000."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; `fault` says why its text cannot be used."""

    number: int
    text: str
    fault: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_silent(self) -> bool:
        """Whether it is blank or a comment, which may hold anything."""
        return not self.text or self.text.startswith("#")


def split_lines(raw: bytes) -> Iterator[Line]:
    """Give the lines without their ends and without blanks before them, as cron skips those."""
    parts = raw.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    last = len(parts)
    for number, part in enumerate(parts, 1):
        if number < last or part:
            yield _line(number, part, ends=number < last)


def _line(number: int, part: bytes, *, ends: bool) -> Line:
    plain = part.removesuffix(b"\r").lstrip(b" \t")
    text = plain.decode(errors="replace")
    warnings = []
    if not ends:
        warnings.append("the last line has no line end, and cron would not run it")
    if part.endswith(b"\r"):
        warnings.append("it ends in CR LF; cron would hand the CR to the command")
    return Line(number=number, text=text, fault=_fault(plain), warnings=tuple(warnings))


def _fault(plain: bytes) -> str | None:
    if len(plain) > LONGEST_LINE:
        return f"it has {len(plain):,} bytes, at most {LONGEST_LINE:,} are read; call a script"
    if b"\0" in plain:
        return "it holds a NUL character; remove it"
    try:
        plain.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} is not UTF-8; save the file as UTF-8"
    return None
