"""Tables without lines: columns that fit the terminal, and rows that `grep` and `awk` can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from onbeat.cli.output.colours import HEADING
from onbeat.cli.output.words import one_line

GAP = "  "
NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column; one that `bends` is cut when the terminal is too narrow, one that is `spare` goes
    first."""

    title: str
    right: bool = False
    bends: bool = False
    spare: bool = False


Cell = str | Text


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int | None
) -> list[Text]:
    """The lines of a table at most `width` wide; as wide as it needs to be where that is None."""
    cells = [[_text(cell) for cell in row] for row in rows]
    titles = [Text(column.title, HEADING) for column in columns]
    sizes = [
        max(each.cell_len for each in (title, *(row[index] for row in cells)))
        for index, title in enumerate(titles)
    ]
    kept = list(range(len(columns)))
    if width is not None:
        kept = _without_spare(columns, sizes, width)
        _bend(columns, sizes, kept, width)
    return [_line(columns, sizes, kept, row) for row in (titles, *cells)] if rows else []


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(one_line(cell))


def _total(sizes: Sequence[int], kept: Sequence[int]) -> int:
    return sum(sizes[index] for index in kept) + len(GAP) * (len(kept) - 1)


def _without_spare(columns: Sequence[Column], sizes: Sequence[int], width: int) -> list[int]:
    kept = list(range(len(columns)))
    for index in reversed(range(len(columns))):
        if columns[index].spare and _total(sizes, kept) > width:
            kept.remove(index)
    return kept


def _bend(columns: Sequence[Column], sizes: list[int], kept: Sequence[int], width: int) -> None:
    """Take what is too much from the widest column that bends, a cell at a time."""
    while _total(sizes, kept) > width:
        bending = [i for i in kept if columns[i].bends and sizes[i] > NARROWEST]
        if not bending:
            return
        sizes[max(bending, key=sizes.__getitem__)] -= 1


def _line(
    columns: Sequence[Column], sizes: Sequence[int], kept: Sequence[int], row: Sequence[Text]
) -> Text:
    line = Text()
    for place, index in enumerate(kept):
        cell = row[index].copy()
        cell.truncate(sizes[index], overflow="ellipsis")
        room = " " * (sizes[index] - cell.cell_len)
        line.append(GAP if place else "")
        is_last = place == len(kept) - 1
        if columns[index].right:
            line.append(room).append_text(cell)
        else:
            line.append_text(cell).append("" if is_last else room)
    line.rstrip()
    return line
