"""Variables of the example: read, or refused by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from examples.csv_pipeline.options import read_options, said

from onbeat import InvalidSetting

ROOT = Path(__file__).parents[2]


def test_the_companies_are_those_of_the_filter_or_else_of_the_region() -> None:
    both = {"CSV_COMPANIES_FILTER": "region:us", "REGION": "eu"}

    assert read_options(both).region == "us"
    assert read_options({"REGION": "eu"}).region == "eu"
    assert read_options({}).region is None


def test_with_the_prefix_it_wins() -> None:
    assert said("AI_TOKEN", {"AI_TOKEN": "bare", "ONBEAT_AI_TOKEN": "prefixed"}) == "prefixed"
    assert said("AI_TOKEN", {"AI_TOKEN": "bare"}) == "bare"
    assert said("AI_TOKEN", {}) is None


@pytest.mark.parametrize(
    ("variable", "text"),
    [("CSV_COMPANIES_FILTER", "us"), ("CSV_IMPORT_BATCH_SIZE", "0"),
     ("CSV_IMPORT_MAX_CONCURRENT", "many")],
)  # fmt: skip
def test_a_wrong_one_is_refused_by_its_name(variable: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=variable):
        read_options({variable: text})


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"CSV_IMPORT_INTERVAL": "*/10 * * * *", "CSV_IMPORT_TIMEOUT": "300000",
          "IMPORT_PROCESSING_INTERVAL": "*/2 * * * *", "IMPORT_PROCESSING_TIMEOUT": "120000",
          "SESSION_PROCESSING_INTERVAL": "*/5 * * * *", "SESSION_PROCESSING_BATCH_SIZE": "50",
          "BATCH_PROCESSING_INTERVAL": "*/5 * * * *", "CSV_IMPORT_BATCH_SIZE": "10",
          "BATCH_PROCESSING_CHECK_INTERVAL": "*/2 * * * *", "CSV_IMPORT_MAX_CONCURRENT": "5"}, 0),
        ({"BATCH_PROCESSING_CHECK_INTERVAL": "often"}, 2),
    ],
    ids=["as documented", "a wrong one"],
)  # fmt: skip
def test_each_service_takes_its_variables_as_they_are_written(
    tmp_path: Path, variables: dict[str, str], code: int
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "onbeat", "run", "--list", "--json", "--app",
         "examples.csv_pipeline.app:ob"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, **variables, "ONBEAT_DB": f"sqlite:///{tmp_path / 'onbeat.db'}"},
    )  # fmt: skip

    assert ran.returncode == code, ran.stderr
    assert [each["id"] for each in json.loads(ran.stdout)["services"]] == [
        "csv-import", "import-processing", "session-processing", "batch-processing",
        "batch-processing-check",
    ]  # fmt: skip


def test_a_web_server_has_the_tables_before_it_is_asked_whatever_runs_in_it(
    database_url: str,
) -> None:
    code = (
        "import asyncio\n"
        "from examples.csv_pipeline import web\n"
        "async def main():\n"
        "    async with web.app.router.lifespan_context(web.app):\n"
        "        print(await (await web.ob.store()).read(web.progress))\n"
        "asyncio.run(main())"
    )
    off = {f"{each}_ENABLED": "false" for each in (
        "CSV_IMPORT", "IMPORT_PROCESSING", "SESSION_PROCESSING", "BATCH_PROCESSING",
        "BATCH_PROCESSING_CHECK",
    )}  # fmt: skip

    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60, env={**os.environ, **off, "ONBEAT_DB": database_url},
    )  # fmt: skip

    assert ran.stdout == "[]\n", ran.stderr
