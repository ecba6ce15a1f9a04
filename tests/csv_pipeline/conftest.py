"""The services of the example beside a store, without processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from examples.csv_pipeline import companies
from examples.csv_pipeline.analysis import Analyst
from examples.csv_pipeline.batch_api import BatchApi
from examples.csv_pipeline.batch_server import BatchServer, serving
from examples.csv_pipeline.batching import BatchCheck, BatchProcessing
from examples.csv_pipeline.companies import Company
from examples.csv_pipeline.importing import CsvImport
from examples.csv_pipeline.options import Options
from examples.csv_pipeline.processing import ImportProcessing, SessionProcessing
from examples.csv_pipeline.progress import Progress, progress
from examples.csv_pipeline.sessions import Verdict
from examples.csv_pipeline.tables import create
from sqlalchemy import Table, select

from onbeat import Onbeat, every
from onbeat.store.store import Store

HOURLY = every("1h")


class Loudest:
    """An analyst that needs no model."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def judge(self, messages: Sequence[str]) -> list[Verdict]:
        self.sizes.append(len(messages))
        return [Verdict("other", "negative" if "!" in x else "neutral", "test") for x in messages]


@dataclass
class Pipeline:
    """What a test does with it; each service is that of one instance."""

    store: Store
    options: Options
    analyst: Analyst
    api: BatchApi | None = None

    @property
    def folder(self) -> Path:
        return self.options.files

    async def has(self, *known: str, analysis: str = "direct", source: str = "file") -> None:
        """Have these companies."""
        listed = [Company(each, each, "us", source, analysis) for each in known]
        await self.store.write(partial(companies.take_in, known=listed))

    def put(self, company: str, name: str, *rows: str) -> None:
        """A file of a company, with ids, moments, messages and when they were changed."""
        (self.folder / company).mkdir(parents=True, exist_ok=True)
        header = "session_id,started_at,message,updated_at"
        (self.folder / company / name).write_text("\n".join([header, *rows]))

    def importer(self, instance: str = "one") -> CsvImport:
        options = replace(self.options, instance=instance)
        return CsvImport(
            self.store, id="csv-import", when=HOURLY, options=options, exports=None
        )  # fmt: skip

    async def process(self, *known: str) -> None:
        """Import, and make sessions."""
        importing = self.importer()
        for each in known:
            await importing.run_key(each)
        await self.make_sessions(*known)

    async def make_sessions(self, *known: str) -> None:
        made = ImportProcessing(
            self.store, id="import-processing", when=HOURLY, options=self.options
        )  # fmt: skip
        for each in known:
            await made.run_key(each)

    async def judge(self, *known: str) -> None:
        made = SessionProcessing(
            self.store, id="session-processing", when=HOURLY, options=self.options,
            analyst=self.analyst,
        )  # fmt: skip
        for each in known:
            await made.run_key(each)

    async def submit(self, company: str) -> None:
        await self._batching(BatchProcessing).run_key(company)

    async def check(self, company: str) -> None:
        await self._batching(BatchCheck).run_key(company)

    def _batching(self, kind: Callable[..., Any]) -> Any:
        return kind(self.store, id="batch", when=HOURLY, options=self.options, api=self.api)

    async def of(self, company: str) -> Progress:
        [found] = [x for x in await self.store.read(progress) if x.company == company]
        return found

    async def rows_of(self, table: Table) -> list[Any]:
        return await self.store.read(
            lambda connection, now: list(connection.execute(select(table)))
        )  # fmt: skip

    @asynccontextmanager
    async def batches(self, server: BatchServer, ob: Onbeat) -> AsyncIterator[BatchApi]:
        """The Batch API that is asked until the block ends."""
        async with serving(server.app()) as address:
            client = ob.client("batch-api", url=f"{address}/v1", token=server.token)
            self.api = BatchApi(client, "a-model")
            yield self.api


@pytest.fixture
async def pipeline(store: Store, tmp_path: Path) -> Pipeline:
    """The services, on either engine."""
    made = Pipeline(store, Options(files=tmp_path / "incoming", instance="one"), Loudest())
    await store.write(create)
    await made.has("acme", "bolt")
    return made


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application on the same database."""
    async with Onbeat(database_url) as application:
        yield application
