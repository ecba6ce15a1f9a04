"""`batch-processing` and `batch-processing-check`: sessions judged by batches, hours later.

Which sessions a batch has is stored before the API hears of it: an instance that is killed between
the two leaves a batch that the next one finds there, or makes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from examples.csv_pipeline import batches
from examples.csv_pipeline.batch_api import BatchApi
from examples.csv_pipeline.batches import Batch
from examples.csv_pipeline.processing import OfCompanies


class OfBatches(OfCompanies):
    """A service for the companies whose sessions are judged by batches."""

    analysis = "batch"

    def __init__(self, store: Any, *, api: BatchApi | None, **given: Any) -> None:
        """Of this API; without one they wait."""
        super().__init__(store, **given)
        self._api = api

    async def run_key(self, key: str) -> None:
        """All of a company, if there is an API to ask."""
        if self._api is not None:
            await self.run_with(self._api, key)

    async def run_with(self, api: BatchApi, company: str) -> None:
        """What is done with it."""
        raise NotImplementedError


class BatchProcessing(OfBatches):
    """Sessions that wait are put into batches, and these are submitted."""

    async def run_with(self, api: BatchApi, company: str) -> None:
        """Submit what was prepared before, then what waits."""
        while True:
            for batch in await self._open(company):
                upstream = await api.submit(batch.id, batch.messages)
                await self.store.write(
                    partial(batches.submitted, batch=batch.id, upstream=upstream)
                )  # fmt: skip
            if not await self.store.write(partial(
                batches.prepare, new_id=str(self.store.new_id()), company=company,
                most=self.options.batch_most,
            )):  # fmt: skip
                return

    async def _open(self, company: str) -> list[Batch]:
        return await self.store.read(
            partial(batches.open_ones, company=company, state="prepared")
        )  # fmt: skip


class BatchCheck(OfBatches):
    """Batches that have ended at the API are brought home."""

    async def run_with(self, api: BatchApi, company: str) -> None:
        """Look at each that is out."""
        for batch in await self.store.read(
            partial(batches.open_ones, company=company, state="submitted")
        ):  # fmt: skip
            upstream = await api.look(str(batch.upstream))
            if upstream.has_ended:
                verdicts, problems = await api.verdicts(upstream)
                known = {k: v for k, v in verdicts.items() if k in batch.messages}
                note = "; ".join([upstream.status, *problems[:3]])
                await self.store.write(
                    partial(batches.end, batch=batch, verdicts=known, note=note)
                )  # fmt: skip
