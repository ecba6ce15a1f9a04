"""Files that cannot be had, and what is told of them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from examples.csv_pipeline.importing import FilesBroken
from examples.csv_pipeline.sources import LARGEST

from onbeat import Onbeat
from tests.csv_pipeline.conftest import Pipeline
from tests.csv_pipeline.files import Files, fetching

ROW = "1,2027-03-01T08:00:00Z,Where is it?,"


async def test_a_file_that_cannot_be_fetched_stops_none_behind_it(
    pipeline: Pipeline, ob: Onbeat
) -> None:
    theirs = Files(**{"a.csv": None, "b.csv": ROW})
    async with fetching(pipeline, ob, theirs) as importing:
        with pytest.raises(FilesBroken, match=r"a\.csv: CallRefused: .*404"):
            await importing.run_key("acme")
        before = await pipeline.of("acme")
        theirs.files["a.csv"] = ROW + "2027-03-02"
        await importing.run_key("acme")
    after = await pipeline.of("acme")

    assert before.files == {"unfetched": 1, "imported": 1}
    assert "404" in (before.last_error or "")
    assert (after.files, after.last_error) == ({"imported": 2}, None)


async def test_what_could_not_be_fetched_comes_after_what_was_not_tried(
    pipeline: Pipeline, ob: Onbeat
) -> None:
    theirs = Files(**{"a.csv": None, "b.csv": None, "c.csv": ROW})
    async with fetching(pipeline, ob, theirs, at_once=1) as importing:
        for _ in range(4):
            with suppress(FilesBroken):
                await importing.run_key("acme")

    assert theirs.fetched == ["a.csv", "b.csv", "c.csv", "a.csv"]


async def test_a_file_that_is_larger_than_is_taken_is_broken_until_it_changes(
    pipeline: Pipeline, ob: Onbeat
) -> None:
    theirs = Files(**{"a.csv": "x" * 5_000})
    async with fetching(pipeline, ob, theirs, largest=1_000) as importing:
        with pytest.raises(FilesBroken, match=r"larger than 16 MB"):
            await importing.run_key("acme")
        await importing.run_key("acme")

    assert theirs.fetched == ["a.csv"]


async def test_so_is_one_in_a_folder(pipeline: Pipeline) -> None:
    pipeline.put("acme", "a.csv")
    with (pipeline.folder / "acme/a.csv").open("r+b") as file:
        file.truncate(LARGEST + 1)

    with pytest.raises(FilesBroken, match=r"larger than 16 MB"):
        await pipeline.importer().run_key("acme")


async def test_what_is_wrong_is_told_as_long_as_it_is(pipeline: Pipeline) -> None:
    pipeline.put("acme", "a.csv", '1,2027-03-01,"never closed')
    with suppress(FilesBroken):
        await pipeline.importer().run_key("acme")
    pipeline.put("acme", "b.csv", ROW)
    await pipeline.importer().run_key("acme")
    with_it = await pipeline.of("acme")
    (pipeline.folder / "acme/a.csv").unlink()
    await pipeline.importer().run_key("acme")

    assert "a.csv: a quote in row 2" in (with_it.last_error or "")
    assert (await pipeline.of("acme")).last_error is None


async def test_a_source_that_is_there_again_is_told_of_no_more(
    pipeline: Pipeline, ob: Onbeat
) -> None:
    await pipeline.has("acme", source="http")
    with pytest.raises(Exception, match="CSV_EXPORTS_URL"):
        await pipeline.importer().run_key("acme")
    async with fetching(pipeline, ob, Files()) as importing:
        await importing.run_key("acme")

    assert (await pipeline.of("acme")).last_error is None
