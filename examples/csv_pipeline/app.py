"""The application: its services, by the variables of `options.py` and those of each service.

onbeat run csv-import import-processing --app examples.csv_pipeline.app:ob
"""

from __future__ import annotations

from datetime import timedelta

from examples.csv_pipeline.analysis import Analyst, EndpointAnalyst, LocalAnalyst
from examples.csv_pipeline.batch_api import BatchApi
from examples.csv_pipeline.batching import BatchCheck, BatchProcessing
from examples.csv_pipeline.importing import CsvImport
from examples.csv_pipeline.options import Options, read_options, said
from examples.csv_pipeline.processing import ImportProcessing, SessionProcessing
from examples.csv_pipeline.sources import LARGEST, Exports
from onbeat import ApiClient, Onbeat, cron

LARGEST_RESULTS = 64 * 1024 * 1024
"""Bytes of a batch's results, of which a request has about a thousand."""

ob = Onbeat(name="csv-pipeline")  # ONBEAT_DB and all other settings
options = read_options()


def _client(name: str, url: str, token: str, largest: int = LARGEST) -> ApiClient:
    return ob.client(name, url=url, timeout="60s", token=said(token), largest_answer=largest)


def _exports(options: Options) -> Exports | None:
    if options.exports_url is None:
        return None
    return Exports(_client("csv-exports", options.exports_url, "CSV_EXPORTS_TOKEN"))


def _analyst(options: Options) -> Analyst:
    if options.ai_url is None:
        return LocalAnalyst()
    return EndpointAnalyst(_client("ai", options.ai_url, "AI_TOKEN"), options.ai_model)


def _batch_api(options: Options) -> BatchApi | None:
    if options.batch_url is None:
        return None
    client = _client("batch-api", options.batch_url, "BATCH_API_TOKEN", LARGEST_RESULTS)
    return BatchApi(client, options.ai_model)


exports, analyst, batch_api = _exports(options), _analyst(options), _batch_api(options)

ob.service(lambda store: CsvImport(
    store, id="csv-import", name="CSV import", when=cron("*/10 * * * *"), among=options.region,
    timeout=timedelta(minutes=5), options=options, exports=exports,
))  # fmt: skip
ob.service(lambda store: ImportProcessing(
    store, id="import-processing", name="Import processing", when=cron("*/2 * * * *"),
    among=options.region, timeout=timedelta(minutes=2), options=options,
))  # fmt: skip
ob.service(lambda store: SessionProcessing(
    store, id="session-processing", name="Session processing", when=cron("*/5 * * * *"),
    among=options.region, timeout=timedelta(minutes=5), options=options, analyst=analyst,
))  # fmt: skip
ob.service(lambda store: BatchProcessing(
    store, id="batch-processing", name="Batch processing", when=cron("*/5 * * * *"),
    among=options.region, timeout=timedelta(minutes=5), options=options, api=batch_api,
))  # fmt: skip
ob.service(lambda store: BatchCheck(
    store, id="batch-processing-check", name="Batch check", when=cron("*/2 * * * *"),
    among=options.region, timeout=timedelta(minutes=5), options=options, api=batch_api,
))  # fmt: skip
