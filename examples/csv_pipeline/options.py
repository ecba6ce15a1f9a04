"""What a deployment says by the application's own variables, each also with ONBEAT_ before it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from onbeat import InvalidSetting

PREFIX = "ONBEAT_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All of them; intervals and timeouts are Onbeat's own, by the names of the services."""

    files: Path = Path("incoming")
    """CSV_FILES: a folder for each company, and `companies.csv`."""
    exports_url: str | None = None
    """CSV_EXPORTS_URL: where the files of companies are whose source is `http`."""
    batch_size: int = 10
    """CSV_IMPORT_BATCH_SIZE: files of a company in one run; the rest come at the next moment."""
    max_concurrent: int = 5
    """CSV_IMPORT_MAX_CONCURRENT: companies that an instance imports at once."""
    region: str | None = None
    """CSV_COMPANIES_FILTER=region:us, or REGION: the companies of this region alone."""
    analysis_size: int = 50
    """SESSION_PROCESSING_BATCH_SIZE: sessions that the model judges at once."""
    ai_url: str | None = None
    """AI_URL: an OpenAI-compatible endpoint that judges in place of the local classifier."""
    ai_model: str = "gpt-4o-mini"
    """AI_MODEL: the model asked there, and by batches."""
    batch_url: str | None = None
    """BATCH_API_URL: where batches go; companies whose analysis is `batch` wait without it."""
    batch_most: int = 200
    """BATCH_PROCESSING_SIZE: requests in one batch at most."""
    instance: str = ""
    """SCHEDULER_INSTANCE_ID: what stands beside each import as whose it was."""


def said(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """What a variable says; with ONBEAT_ before it, it wins. None where it says nothing."""
    given = os.environ if environ is None else environ
    return given.get(PREFIX + name) or given.get(name) or None


def read_options(environ: Mapping[str, str] | None = None) -> Options:
    """Read them. Raises InvalidSetting naming the variable."""
    given = os.environ if environ is None else environ

    def count(name: str, otherwise: int) -> int:
        return otherwise if (text := said(name, given)) is None else _count(name, text)

    return _read(partial(said, environ=given), count)


def _read(said: Callable[[str], str | None], count: Callable[[str, int], int]) -> Options:
    return Options(
        files=Path(said("CSV_FILES") or "incoming"),
        exports_url=said("CSV_EXPORTS_URL"),
        batch_size=count("CSV_IMPORT_BATCH_SIZE", 10),
        max_concurrent=count("CSV_IMPORT_MAX_CONCURRENT", 5),
        region=_region(said("CSV_COMPANIES_FILTER"), said("REGION")),
        analysis_size=count("SESSION_PROCESSING_BATCH_SIZE", 50),
        ai_url=said("AI_URL"),
        ai_model=said("AI_MODEL") or "gpt-4o-mini",
        batch_url=said("BATCH_API_URL"),
        batch_most=count("BATCH_PROCESSING_SIZE", 200),
        instance=said("SCHEDULER_INSTANCE_ID") or said("INSTANCE_ID") or _own_name(),
    )


def _count(name: str, text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise InvalidSetting(name, f"{text!r} is not allowed; give a whole number from 1 on")
    return int(text)


def _region(wanted: str | None, region: str | None) -> str | None:
    if wanted is None:
        return region
    field, _, value = wanted.partition(":")
    if field.strip() != "region" or not value.strip():
        told = f"{wanted!r} is not allowed; give region:us, say"
        raise InvalidSetting("CSV_COMPANIES_FILTER", told)
    return value.strip()


def _own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"
