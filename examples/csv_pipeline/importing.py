"""`csv-import`: each company's new files become rows; a company has one instance at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from examples.csv_pipeline import companies, imports
from examples.csv_pipeline.imports import Import
from examples.csv_pipeline.options import Options
from examples.csv_pipeline.reading import BrokenFile, Row, read
from examples.csv_pipeline.sources import Exports, Folder, Found, Source, source_of
from examples.csv_pipeline.tables import create
from onbeat import PartitionedService

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

    async def set_up(self) -> None:
        """Have the tables."""
        await self.store.write(create)
        await super().set_up()

    async def keys(self) -> Sequence[str]:
        """All companies of the region, with those that were listed meanwhile."""
        mark = companies.mark(self._options.files)
        if mark != self._list_mark:
            known = await asyncio.to_thread(companies.listed, self._options.files)
            await self.store.write(partial(companies.take_in, known=known))
            self._list_mark = mark
        return await self.store.read(partial(companies.ids, region=self._options.region))

    async def run_key(self, key: str) -> None:
        """Import what is new of a company, and go on with what was begun. Raises FilesBroken."""
        note = partial(companies.note, company=key)
        try:
            is_new = await self._import_new(key)
        except Exception as error:  # whatever it is, it stands beside the company
            await self.store.write(partial(note, error=f"{type(error).__name__}: {error}"))
            raise
        if is_new:
            await self.store.write(partial(note, error=None))

    async def _import_new(self, key: str) -> bool:
        """Whether there was anything new."""
        company = await self.store.read(partial(companies.find, company=key))
        source = source_of(company, self._folder, self._exports)
        seen = await self.store.read(partial(imports.marks, company=key))
        new = [each for each in await source.files(key) if seen.get(each.name) != each.mark]
        broken = [
            f"{each.name}: {problem}"
            for each in new[: self._options.batch_size]
            if (problem := await self._see_to(key, each, source)) is not None
        ]
        if broken:
            raise FilesBroken("; ".join(broken))
        return bool(new)

    async def _see_to(self, company: str, file: Found, source: Source) -> str | None:
        """Import one file; why it cannot be."""
        content = await source.content(company, file.name)
        settle = partial(imports.settle, company=company, file=file)
        try:
            found = await asyncio.to_thread(read, content)
        except BrokenFile as error:
            await self.store.write(partial(settle, outcome="broken", note=str(error)))
            return str(error)
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
