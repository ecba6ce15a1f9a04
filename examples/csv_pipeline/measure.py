"""How long each stage takes: python -m examples.csv_pipeline.measure --rows 100000.

One instance, no waiting for moments; on `ONBEAT_DB`, whose tables of the example are made anew:
where there are rows that were not generated, only with --wipe.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from examples.csv_pipeline.analysis import LocalAnalyst
from examples.csv_pipeline.anew import make_anew
from examples.csv_pipeline.batch_server import serving
from examples.csv_pipeline.classifier import trained
from examples.csv_pipeline.exports import ExportServer
from examples.csv_pipeline.generate import generate
from examples.csv_pipeline.importing import CsvImport, FilesBroken
from examples.csv_pipeline.options import Options
from examples.csv_pipeline.processing import ImportProcessing, SessionProcessing
from examples.csv_pipeline.sources import LARGEST, Exports
from onbeat import Onbeat, OnbeatError, every

WHEN = every("1h")
WIPE = "delete what is in the example's tables, also where it was not generated"


async def measure(folder: Path, rows: int, at_once: int, size: int, *, wipe: bool) -> None:
    """Go through the stages, and say how long each took."""
    options = replace(Options(files=folder), max_concurrent=at_once, analysis_size=size)
    generate(folder, rows)
    ob = Onbeat()
    await ob.migrate()
    async with ob, serving(ExportServer(folder).app()) as address:
        store: Any = await ob.store()
        await store.write(partial(make_anew, wipe=wipe))
        exports = Exports(ob.client("csv-exports", url=address, largest_answer=LARGEST))
        importing = CsvImport(store, id="csv-import", when=WHEN, options=options, exports=exports)
        known = await importing.keys()
        processing = ImportProcessing(store, id="import-processing", when=WHEN, options=options)
        judging = SessionProcessing(
            store, id="session-processing", when=WHEN, options=options, analyst=LocalAnalyst()
        )  # fmt: skip
        trained()
        for name, run in (
            ("files into rows", importing.run_key),
            ("rows into sessions", processing.run_key),
            ("sessions judged", judging.run_key),
        ):
            seconds = await _timed(run, known, at_once)
            print(f"{name:<20} {seconds:7.1f} s {rows / seconds:9,.0f} rows/s", flush=True)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{at_once} companies at once, {size} sessions at once; at most {megabytes:.0f} MB")


async def _timed(
    run: Callable[[str], Awaitable[None]], known: Iterable[str], at_once: int
) -> float:
    turns = asyncio.Semaphore(at_once)

    async def one(key: str) -> None:
        async with turns:
            try:
                await run(key)
            except FilesBroken:  # as the generator has made them
                return

    began = time.perf_counter()
    await asyncio.gather(*map(one, known))
    return time.perf_counter() - began


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.csv_pipeline.measure")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=5, help="companies")
    parser.add_argument("--size", type=int, default=50, help="sessions that are judged at once")
    parser.add_argument("--wipe", action="store_true", help=WIPE)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("ONBEAT_DB", f"sqlite:///{folder}/onbeat.db")
        incoming = Path(folder, "incoming")
        try:
            asyncio.run(measure(incoming, given.rows, given.at_once, given.size, wipe=given.wipe))
        except OnbeatError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
