"""Where a company's files are: in a folder of its own, or behind HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from examples.csv_pipeline.companies import Company
from examples.csv_pipeline.reading import BrokenFile
from onbeat import ApiClient, CallRefused, InvalidSetting

LARGEST = 16 * 1024 * 1024
"""Bytes of a file. While it is read it takes twelve times as many, and a pod has 512 MB."""
TOO_LARGE = f"it is larger than {LARGEST // 1024**2} MB; send it in parts"
OK = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and what tells one state of it from another."""

    name: str
    mark: str


class Source(Protocol):
    """A place with files of companies."""

    async def files(self, company: str) -> list[Found]:
        """Those of a company, by name."""

    async def content(self, company: str, name: str) -> bytes:
        """What stands in one."""


class Folder:
    """A folder for each company."""

    def __init__(self, root: Path) -> None:
        """Of all."""
        self._root = root

    async def files(self, company: str) -> list[Found]:
        """Those that end in .csv: write elsewhere, and rename when it is whole."""
        return await asyncio.to_thread(self._files, company)

    def _files(self, company: str) -> list[Found]:
        found = sorted(self._root.joinpath(company).glob("*.csv"))
        return [
            Found(path.name, f"{status.st_size}-{status.st_mtime_ns}")
            for path, status in ((path, path.stat()) for path in found if path.exists())
        ]

    async def content(self, company: str, name: str) -> bytes:
        """What stands in one. Raises BrokenFile for one that is too large, and OSError."""
        return await asyncio.to_thread(self._content, self._root.joinpath(company, name))

    def _content(self, path: Path) -> bytes:
        with path.open("rb") as file:
            found = file.read(LARGEST + 1)
        if len(found) > LARGEST:
            raise BrokenFile(TOO_LARGE)
        return found


class Exports:
    """A server that lists a company's files at `/COMPANY/`, as JSON of `name` and `mark`."""

    def __init__(self, client: ApiClient) -> None:
        """Asked by this client: with its timeout, breaker and rate."""
        self._client = client

    async def files(self, company: str) -> list[Found]:
        """As it lists them."""
        told = (await self._client.get(f"/{quote(company)}/")).json()
        return sorted((Found(each["name"], each["mark"]) for each in told), key=lambda f: f.name)

    async def content(self, company: str, name: str) -> bytes:
        """What it gives. Raises BrokenFile for one that is too large, and CallError."""
        try:
            return (await self._client.get(f"/{quote(company)}/{quote(name)}")).body
        except CallRefused as error:
            if error.status != OK:
                raise
            raise BrokenFile(TOO_LARGE) from None  # its client takes no more


def source_of(company: Company, folder: Folder, exports: Exports | None) -> Source:
    """Where the files of a company are. Raises InvalidSetting."""
    if company.source == "file":
        return folder
    if exports is None:
        raise InvalidSetting("CSV_EXPORTS_URL", f"{company.id} is imported over HTTP; say where")
    return exports
