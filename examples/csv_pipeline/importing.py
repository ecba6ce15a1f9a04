"""`csv-import`: each company's new files become rows; a company has one instance at a time."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from examples.csv_pipeline import companies, imports
from examples.csv_pipeline.imports import Import
from examples.csv_pipeline.options import Options
from examples.csv_pipeline.reading import BrokenFile, Row, read
from examples.csv_pipeline.sources import Exports, Folder, Found, Source, source_of
from examples.csv_pipeline.tables import create
from onbeat import CallError, CallHeldBack, PartitionedService

LOG = logging.getLogger("csv_pipeline")

PIECE = 1000
"""Rows in one transaction: what is done again at most where an instance is killed."""


class FilesBroken(Exception):
    """Some of a company's files could not be read; the others were imported."""


class CsvImport(PartitionedService):
    """Its keys are the companies of this instance's region."""

    def __init__(
        self, store: Any, *, options: Options, exports: Exports | None, **given: Any
    ) -> None:
        """Import as the variables say."""
        super().__init__(store, concurrency=options.max_concurrent, **given)
        self._options = options
        self._folder, self._exports = Folder(options.files), exports
        self._list_mark: int | None = None
        self._has_companies = True  # until it is known better

    async def set_up(self) -> None:
        """Have the tables."""
        await self.store.write(create)
        await super().set_up()

    async def keys(self) -> Sequence[str]:
        """All companies of the region, with those that were listed meanwhile."""
        mark = companies.mark(self._options.files)
        if mark != self._list_mark:
            known, problems = await asyncio.to_thread(companies.listed, self._options.files)
            await self.store.write(partial(companies.take_in, known=known))
            self._list_mark = mark
            for problem in problems:
                LOG.warning("not taken in: %s", problem)
        found = await self.store.read(partial(companies.ids, region=self._options.region))
        if not found and self._has_companies:
            where = self._options.files / companies.LIST
            LOG.warning("there is no company to import files of; list them in %s", where)
        self._has_companies = bool(found)
        return found

    async def run_key(self, key: str) -> None:
        """Import what is new of a company, and go on with what was begun. Raises FilesBroken."""
        note = partial(companies.note, company=key)
        try:
            is_new, problem = await self._import_new(key)
        except Exception as error:  # whatever it is, it stands beside the company
            await self.store.write(partial(note, error=f"{type(error).__name__}: {error}"))
            raise
        if is_new or problem != await self.store.read(partial(companies.last_error, company=key)):
            await self.store.write(partial(note, error=problem))

    async def _import_new(self, key: str) -> tuple[bool, str | None]:
        """Whether there was anything new, and what is still wrong with files seen to before."""
        company = await self.store.read(partial(companies.find, company=key))
        source = source_of(company, self._folder, self._exports)
        seen = await self.store.read(partial(imports.seen, company=key))
        listed = await source.files(key)
        new = [
            each for each in listed if (was := seen.get(each.name)) is None or was.mark != each.mark
        ]
        new.sort(key=lambda each: seen[each.name].missed_at if each.name in seen else "")
        wrong = {
            each.name: problem
            for each in new[: self._options.batch_size]
            if (problem := await self._see_to(key, each, source)) is not None
        }
        untouched = {each.name for each in listed} - {
            each.name for each in new[: self._options.batch_size]
        }
        still = {name: was.note for name, was in seen.items() if was.is_wrong and name in untouched}
        told = "; ".join(f"{name}: {problem}" for name, problem in {**wrong, **still}.items())
        if wrong:
            raise FilesBroken(told)
        return bool(new), f"{FilesBroken.__name__}: {told}" if still else None

    async def _see_to(self, company: str, file: Found, source: Source) -> str | None:
        """Import one file; why it cannot be."""
        settle = partial(imports.settle, company=company, file=file)
        try:
            content = await source.content(company, file.name)
            found = await asyncio.to_thread(read, content)
        except BrokenFile as error:
            await self.store.write(partial(settle, outcome="broken", note=str(error)))
            return str(error)
        except (CallError, CallHeldBack, OSError) as error:
            told = f"{type(error).__name__}: {error}"
            await self.store.write(
                partial(imports.missed, company=company, name=file.name, note=told)
            )
            return told
        begun = await self._begun(company, file.name, content, len(found.rows))
        if not begun.is_done:
            await self._take_all(begun, found.rows)
        outcome = "imported" if begun.name == file.name else "duplicate"
        await self.store.write(partial(settle, outcome=outcome))
        return None

    async def _begun(self, company: str, name: str, content: bytes, rows_all: int) -> Import:
        return await self.store.write(partial(
            imports.begin, new_id=str(self.store.new_id()), company=company, name=name,
            sha256=hashlib.sha256(content).hexdigest(), rows_all=rows_all,
            by=self._options.instance,
        ))  # fmt: skip

    async def _take_all(self, begun: Import, rows: Sequence[Row]) -> None:
        by, done = self._options.instance, begun.rows_done
        while done < len(rows):
            piece = rows[done : done + PIECE]
            done = await self.store.write(partial(imports.take, of=begun, done=done, piece=piece))
        await self.store.write(partial(imports.end, of=begun, by=by))
