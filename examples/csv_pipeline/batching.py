"""`batch-processing` and `batch-processing-check`: sessions judged by batches, hours later.

Which sessions a batch has is stored before the API hears of it: an instance that is killed between
the two leaves a batch that the next one finds there, or makes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from examples.csv_pipeline import batches
from examples.csv_pipeline.batch_api import BatchApi, Results, Upstream
from examples.csv_pipeline.batches import Batch
from examples.csv_pipeline.processing import OfCompanies
from onbeat import CallError, CallRefused

GONE = 404


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
        problems: list[CallError] = []
        for batch in await self._open(company):
            try:
                await self._submit(api, batch, is_new=False)
            except CallRefused as error:  # what is wrong with it need not be with the next
                problems.append(error)
        while await self._prepared(company, new_id := str(self.store.new_id())):
            for batch in await self._open(company):
                if batch.id == new_id:
                    await self._submit(api, batch, is_new=True)
        if problems:
            raise problems[0]

    async def _submit(self, api: BatchApi, batch: Batch, *, is_new: bool) -> None:
        if not batch.messages:  # all were corrected meanwhile, and no API takes an empty file
            await self.store.write(
                partial(batches.end, batch=batch, verdicts={}, note="nothing is left to ask")
            )
            return
        known = None if is_new else await api.find(batch.id)
        upstream = known or await api.submit(batch.id, batch.messages)
        await self.store.write(partial(batches.submitted, batch=batch.id, upstream=upstream))

    async def _prepared(self, company: str, new_id: str) -> int:
        most = self.options.batch_most
        return await self.store.write(
            partial(batches.prepare, new_id=new_id, company=company, most=most)
        )

    async def _open(self, company: str) -> list[Batch]:
        return await self.store.read(
            partial(batches.open_ones, company=company, state="prepared")
        )  # fmt: skip


class BatchCheck(OfBatches):
    """Batches that have ended at the API are brought home."""

    async def run_with(self, api: BatchApi, company: str) -> None:
        """Look at each that is out."""
        problems: list[CallError] = []
        for batch in await self.store.read(
            partial(batches.open_ones, company=company, state="submitted")
        ):  # fmt: skip
            try:
                await self._check(api, batch)
            except CallError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    async def _check(self, api: BatchApi, batch: Batch) -> None:
        try:
            upstream = await api.look(str(batch.upstream))
            results = await api.results(upstream) if upstream.has_ended else None
        except CallRefused as error:
            if error.status != GONE:
                raise
            await self.store.write(
                partial(batches.end, batch=batch, verdicts={}, note=f"it is gone: {error}")
            )
            return
        if results is not None:
            await self._bring_home(batch, upstream, results)

    async def _bring_home(self, batch: Batch, upstream: Upstream, results: Results) -> None:
        known = {k: v for k, v in results.verdicts.items() if k in batch.messages}
        note = "; ".join([upstream.status, *results.problems[:3]])
        tried = batch.messages.keys() if upstream.is_complete else results.failed
        await self.store.write(
            partial(batches.end, batch=batch, verdicts=known, note=note, tried=tried)
        )
