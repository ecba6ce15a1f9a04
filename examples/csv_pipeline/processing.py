"""`import-processing` and `session-processing`: rows into sessions, sessions judged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from examples.csv_pipeline import companies, sessions
from examples.csv_pipeline.analysis import Analyst
from examples.csv_pipeline.options import Options
from examples.csv_pipeline.tables import create
from onbeat import PartitionedService

PIECE = 1000
"""Rows in one transaction."""


class OfCompanies(PartitionedService):
    """A service whose keys are the companies of a region, with one kind of analysis or any."""

    analysis: str | None = None

    def __init__(self, store: Any, *, options: Options, **given: Any) -> None:
        """As the variables say."""
        super().__init__(store, **given)
        self.options = options

    async def set_up(self) -> None:
        """Have the tables."""
        await self.store.write(create)
        await super().set_up()

    async def keys(self) -> Sequence[str]:
        """Those that are known so far."""
        region = self.options.region
        return await self.store.read(
            partial(companies.ids, region=region, analysis=self.analysis)
        )  # fmt: skip


class ImportProcessing(OfCompanies):
    """Rows into sessions."""

    async def run_key(self, key: str) -> None:
        """All that wait."""
        while await self.store.write(partial(sessions.take_rows, company=key, limit=PIECE)):
            pass


class SessionProcessing(OfCompanies):
    """Sessions judged by the model, so many at once."""

    analysis = "direct"

    def __init__(self, store: Any, *, analyst: Analyst, **given: Any) -> None:
        """By this analyst."""
        super().__init__(store, **given)
        self._analyst = analyst

    async def run_key(self, key: str) -> None:
        """All that wait."""
        limit = self.options.analysis_size
        while found := await self.store.read(
            partial(sessions.waiting, company=key, limit=limit)
        ):  # fmt: skip
            verdicts = await self._analyst.judge([each.message for each in found])
            pairs = list(zip(found, verdicts, strict=True))
            await self.store.write(partial(sessions.judged, company=key, found=pairs))
