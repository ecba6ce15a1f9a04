"""The list of companies, as people and spreadsheets write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples.csv_pipeline.companies import LIST, Company, listed
from examples.csv_pipeline.tables import companies
from sqlalchemy import delete

from tests.csv_pipeline.conftest import Pipeline

HEADER = "id,name,region,source,analysis"
GOOD = "zulu,Zülu,us,file,direct"
ZULU = Company("zulu", "Zülu", "us", "file", "direct")


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_list_is_read_as_a_spreadsheet_writes_it(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    text = f"{HEADER}\r\n{GOOD}\r\n".replace(",", delimiter)
    (tmp_path / LIST).write_bytes(text.encode(encoding))

    assert listed(tmp_path) == ([ZULU], [])


@pytest.mark.parametrize(
    ("row", "told"),
    [("bad,Bad,us,ftp,direct", "source is one of"), ("bad", "source is one of"),
     ("a b,Bad,us,file,direct", "without spaces"), ("../x,Bad,us,file,direct", "slashes"),
     ("x" * 101 + ",Bad,us,file,direct", "longer")],
)  # fmt: skip
def test_a_row_that_is_no_company_is_told_and_stops_no_other(
    tmp_path: Path, row: str, told: str
) -> None:
    (tmp_path / LIST).write_text(f"{HEADER}\n{row}\n{GOOD}\n")

    found, [problem] = listed(tmp_path)

    assert found == [ZULU]
    assert told in problem


@pytest.mark.parametrize("text", ["", "id;name\nacme;Acme\n"])
def test_a_list_without_the_columns_is_told_of(tmp_path: Path, text: str) -> None:
    (tmp_path / LIST).write_text(text or "who\nacme\n")

    found, [problem] = listed(tmp_path)

    assert (found, "wants the columns id,name,region,source,analysis" in problem) == ([], True)


async def test_a_wrong_list_leaves_the_companies_that_are_known(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.folder.mkdir()
    (pipeline.folder / LIST).write_text("who\nacme\n")

    assert await pipeline.importer().keys() == ["acme", "bolt"]
    assert "not taken in: " in caplog.text


async def test_without_a_list_and_a_company_it_says_so_once(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    await pipeline.store.write(lambda connection, now: connection.execute(delete(companies)))
    importing = pipeline.importer()

    assert [await importing.keys() for _ in range(3)] == [[], [], []]
    assert caplog.text.count("there is no company to import files of") == 1
