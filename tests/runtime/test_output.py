"""What is held of a command's output."""

from __future__ import annotations

import asyncio
import tracemalloc
from datetime import UTC, datetime

from onbeat.runtime.run import Record, RunLog
from onbeat.runtime.shell.output import MOST_LINES, TAIL_LINES, Output

MEBIBYTE = 1024 * 1024
MOMENT = datetime(2030, 1, 1, tzinfo=UTC)


def recording() -> tuple[Output, Record]:
    """An output, and the record of the run it is logged in."""
    record = Record()
    return Output(RunLog(record, lambda: MOMENT, lambda: None)), record


async def follow(output: Output, *pieces: bytes) -> None:
    """Let the pieces come one after the other."""
    stream = asyncio.StreamReader()
    following = asyncio.create_task(output.follow(stream, "info"))
    for piece in pieces:
        stream.feed_data(piece)
        await asyncio.sleep(0)
    stream.feed_eof()
    await following


async def test_a_line_may_come_in_pieces() -> None:
    output, record = recording()

    await follow(output, b"a", "é".encode()[:1], "é".encode()[1:], b"b\nnext")

    assert [line.message for line in record.lines] == ["aéb", "next"]


async def test_small_pieces_without_a_line_end_are_not_gathered() -> None:
    output, _ = recording()
    tracemalloc.start()

    await follow(output, *(b"x" * 1024 for _ in range(4_000)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert output.size == 4_000 * 1024
    assert peak < MEBIBYTE


async def test_lines_past_the_limit_are_dropped_but_for_the_last() -> None:
    output, record = recording()

    await follow(output, *(f"{number}\n".encode() for number in range(MOST_LINES + 100)))

    *kept, told = record.lines
    assert [line.message for line in kept] == [str(number) for number in range(MOST_LINES)]
    assert told.level == "warning"
    assert output.tail[-1] == str(MOST_LINES + 99)
    assert len(output.tail) == TAIL_LINES
