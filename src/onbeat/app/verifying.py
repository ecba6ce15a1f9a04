"""Verifying the store for programs: how far it is, line by line, and then the report."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec

from onbeat.app.facts.verify import extent_data, report_data
from onbeat.app.onbeat import Onbeat


async def verify_in_lines(ob: Onbeat) -> AsyncIterator[bytes]:
    """NDJSON: `{"progress": …}` at most twice a second, at last `{"report": …}`.

    Raises Conflict and StoreError, before the first line where it can.
    """
    began = time.monotonic()
    async with aclosing(ob.database.verify_telling()) as told:
        async for report, is_whole in told:
            took = time.monotonic() - began
            line = {"report": report_data(report, took)} if is_whole else {
                "progress": extent_data(report, took)
            }  # fmt: skip
            yield msgspec.json.encode(line) + b"\n"
