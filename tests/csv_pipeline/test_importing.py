"""Files become rows, and rows sessions: each once, whoever is killed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from examples.csv_pipeline import imports
from examples.csv_pipeline.batch_server import serving
from examples.csv_pipeline.exports import ExportServer
from examples.csv_pipeline.generate import TRUTH, generate
from examples.csv_pipeline.importing import CsvImport, FilesBroken
from examples.csv_pipeline.imports import Overtaken
from examples.csv_pipeline.reading import read
from examples.csv_pipeline.sources import Exports
from examples.csv_pipeline.tables import files, rows, sessions
from examples.csv_pipeline.tables import imports as stored
from sqlalchemy import delete

from onbeat import Onbeat
from tests.csv_pipeline.conftest import HOURLY, Loudest, Pipeline
from tests.csv_pipeline.files import Files, fetching

FIRST = "1,2027-03-01T08:00:00Z,Where is it?,2027-03-01T08:00:00Z"
CORRECTED = "1,2027-03-01T08:00:00Z,It is here!,2027-03-02T08:00:00Z"
SECOND = "2,2027-03-01T09:00:00Z,Hello,2027-03-01T09:00:00Z"


async def test_what_comes_twice_under_two_names_is_imported_once(pipeline: Pipeline) -> None:
    pipeline.put("acme", "a.csv", FIRST, SECOND)
    pipeline.put("acme", "b.csv", FIRST, SECOND)

    await pipeline.process("acme")

    found = await pipeline.of("acme")
    assert found.files == {"imported": 1, "duplicate": 1}
    assert (found.rows, found.sessions) == ({"taken": 2}, {"waiting": 2})


async def test_a_file_that_has_not_changed_is_not_read_again(
    pipeline: Pipeline, ob: Onbeat
) -> None:
    theirs = Files(**{"a.csv": FIRST})
    async with fetching(pipeline, ob, theirs) as importing:
        await importing.run_key("acme")
        await importing.run_key("acme")

    assert theirs.fetched == ["a.csv"]


async def test_a_broken_file_is_told_beside_its_company_and_stops_no_other(
    pipeline: Pipeline,
) -> None:
    pipeline.put("acme", "a.csv", '1,2027-03-01,"never closed')
    pipeline.put("acme", "b.csv", FIRST)

    with pytest.raises(FilesBroken, match=r"a.csv: a quote in row 2 is never closed"):
        await pipeline.importer().run_key("acme")

    found = await pipeline.of("acme")
    assert found.files == {"broken": 1, "imported": 1}
    assert "never closed" in (found.last_error or "")


@pytest.mark.parametrize(
    ("row", "reason"),
    [("2,0001-01-01T00:00:00+01:00,Hi,", "is no moment"), ("2,2027-03-01,a\0b,", "zero character")],
)
async def test_a_row_that_no_database_takes_is_refused_with_its_reason_and_stops_no_other(
    pipeline: Pipeline, row: str, reason: str
) -> None:
    pipeline.put("acme", "a.csv", FIRST, row)
    path = pipeline.folder / "acme/a.csv"
    path.write_bytes(path.read_text().encode("utf-16"))

    await pipeline.process("acme")

    found = await pipeline.of("acme")
    assert (found.rows, found.sessions) == ({"taken": 1, "refused": 1}, {"waiting": 1})
    assert reason in {x.line: x.reason for x in await pipeline.rows_of(rows)}[3]


async def test_a_later_row_corrects_an_earlier_one_in_whatever_order_they_come(
    pipeline: Pipeline,
) -> None:
    pipeline.put("acme", "a.csv", FIRST)
    pipeline.put("bolt", "a.csv", CORRECTED)
    await pipeline.process("acme", "bolt")
    pipeline.put("acme", "b.csv", CORRECTED)
    pipeline.put("bolt", "b.csv", FIRST)
    await pipeline.process("acme", "bolt")

    found = await pipeline.rows_of(sessions)
    assert [each.message for each in found] == ["It is here!"] * 2
    assert sorted(each.corrections for each in found) == [0, 1]


async def test_a_corrected_session_is_judged_again(pipeline: Pipeline) -> None:
    pipeline.put("acme", "a.csv", FIRST)
    await pipeline.process("acme")
    await pipeline.judge("acme")
    pipeline.put("acme", "b.csv", CORRECTED)
    await pipeline.process("acme")
    await pipeline.judge("acme")

    [found] = await pipeline.rows_of(sessions)
    assert (found.state, found.sentiment) == ("analysed", "negative")


async def test_sessions_are_judged_so_many_at_once(pipeline: Pipeline) -> None:
    pipeline.analyst = loudest = Loudest()
    pipeline.put("acme", "a.csv", *(f"{n},2027-03-01,Hi," for n in range(120)))
    await pipeline.process("acme")

    await pipeline.judge("acme")

    assert loudest.sizes == [50, 50, 20]
    assert (await pipeline.of("acme")).sessions == {"analysed": 120}


async def test_what_a_killed_instance_has_begun_another_ends_from_there(
    pipeline: Pipeline,
) -> None:
    pipeline.put("acme", "a.csv", FIRST, SECOND, "3,2027-03-01,Hi,")
    content = read((pipeline.folder / "acme/a.csv").read_bytes())
    other = pipeline.importer("killed")
    begun = await other._begun(
        "acme", "a.csv", (pipeline.folder / "acme/a.csv").read_bytes(), len(content.rows)
    )  # fmt: skip
    take = partial(imports.take, of=begun, done=0, piece=content.rows[:2])
    await pipeline.store.write(take)

    await pipeline.importer("next").run_key("acme")

    [found] = await pipeline.rows_of(stored)
    assert (found.begun_by, found.ended_by, found.rows_done) == ("killed", "next", 3)
    assert sorted(each.line for each in await pipeline.rows_of(rows)) == [2, 3, 4]
    with pytest.raises(Overtaken):
        await pipeline.store.write(take)


async def test_what_was_imported_before_its_importer_was_killed_is_no_duplicate(
    pipeline: Pipeline,
) -> None:
    pipeline.put("acme", "a.csv", FIRST)
    await pipeline.process("acme")
    await pipeline.store.write(lambda connection, now: connection.execute(delete(files)))

    await pipeline.importer("next").run_key("acme")

    assert (await pipeline.of("acme")).files == {"imported": 1}


async def test_the_generated_files_come_to_what_their_maker_says(
    pipeline: Pipeline, ob: Onbeat
) -> None:
    generate(pipeline.folder, rows=300)
    async with serving(ExportServer(pipeline.folder).app()) as address:
        exports = Exports(ob.client("csv-exports", url=address))
        importing = CsvImport(
            pipeline.store, id="csv-import", when=HOURLY, options=pipeline.options, exports=exports
        )  # fmt: skip
        known = [each for each in await importing.keys() if each.startswith("company-")]
        for each in known:
            try:
                await importing.run_key(each)
            except FilesBroken:
                assert (await pipeline.of(each)).files["broken"] == 3
    await pipeline.make_sessions(*known)

    truth = truth_of(pipeline.folder)
    for name in known:
        found, said = await pipeline.of(name), truth[name]
        assert sum(found.sessions.values()) == said["sessions"]
        assert found.rows.get("refused", 0) == said["refused"]
        assert found.files.get("duplicate", 0) == said["duplicates"]
    assert len(known) == 12
    messages = {(x.company, x.id): x.message for x in await pipeline.rows_of(sessions)}
    for name in known:
        for session, message in truth[name]["corrected"].items():
            assert messages[name, session] == message


def truth_of(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((folder / TRUTH).read_text())
    return found
