"""`import-processing` and `session-processing`: rows into sessions, sessions judged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from examples.csv_pipeline import companies, sessions
from examples.csv_pipeline.analysis import Analyst, is_of_message
from examples.csv_pipeline.options import Options
from examples.csv_pipeline.sessions import Asked, Verdict
from examples.csv_pipeline.tables import create
from onbeat import CallFailed, CallUnanswered, PartitionedService

PIECE = 1000
"""Rows in one transaction."""


class WithoutVerdict(Exception):
    """Some sessions of a company have none; what there is of others is stored."""


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
        """All that wait, each asked about once in a run. Raises WithoutVerdict."""
        limit, after = self.options.analysis_size, ""
        problems: list[Exception] = []
        while found := await self.store.read(
            partial(sessions.waiting, company=key, limit=limit, after=after)
        ):  # fmt: skip
            after = found[-1].id
            said = await self._analyst.judge([each.message for each in found])
            failed = await self._note(key, list(zip(found, said, strict=True)))
            problems += failed
            if len(failed) == len(found) and not all(map(is_of_message, failed)):
                break  # nobody answers
        if problems:
            raise WithoutVerdict(f"{len(problems)} without a verdict: {problems[0]}")

    async def _note(
        self, company: str, said: Sequence[tuple[Asked, Verdict | Exception]]
    ) -> list[Exception]:
        """Store what came, and count an attempt where the message was to blame; what went wrong."""
        verdicts = [(of, each) for of, each in said if isinstance(each, Verdict)]
        failed = [(of, each) for of, each in said if not isinstance(each, Verdict)]
        unlike_others = (CallFailed, CallUnanswered) if verdicts else ()
        blamed = [
            of for of, each in failed if is_of_message(each) or isinstance(each, unlike_others)
        ]
        await self.store.write(partial(sessions.judged, company=company, found=verdicts))
        await self.store.write(partial(sessions.unjudged, company=company, found=blamed))
        return [each for _, each in failed]
