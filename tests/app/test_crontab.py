"""Crontabs brought in by code, on either engine."""

from __future__ import annotations

import pytest

from onbeat import Conflict, Onbeat, every
from onbeat.app.crontab import Change, Import, Policies
from onbeat.domain.crontab import read_crontab
from onbeat.runtime.machine import host_name
from onbeat.store import boots


async def bring_in(ob: Onbeat, text: str) -> Import:
    crontab = read_crontab(text.encode(), has_user=False, zone="UTC")
    return await ob.crontabs.bring_in("tab", crontab, Policies())


async def see(ob: Onbeat, boot: str) -> int:
    store = await ob.store()
    return await store.write(lambda connection, now: boots.see(connection, now, host_name(), boot))


async def test_reading_it_again_keeps_the_boot_that_was_seen(ob: Onbeat) -> None:
    await bring_in(ob, "@reboot run\n")
    first = await see(ob, "the next boot")

    [again] = (await bring_in(ob, "@reboot run\n")).brought

    assert (first, again.change) == (1, Change.SAME)
    assert await see(ob, "the next boot") == 0


async def test_a_line_too_large_for_a_job_is_passed_and_the_others_are_not(ob: Onbeat) -> None:
    variables = "".join(f"V{number}={'x' * 60_000}\n" for number in range(5))

    done = await bring_in(ob, f"@daily one\n{variables}@daily two\n")

    assert [each.entry.command for each in done.brought] == ["one"]
    [passed] = done.passed
    assert (passed.line, passed.is_bad) == (7, True)
    assert "bytes of JSON" in passed.reason


async def test_all_of_it_is_brought_in_or_nothing(ob: Onbeat) -> None:
    [taken] = (await bring_in(ob, "@daily two\n")).brought
    await ob.schedules.remove(taken.schedule.name)
    await ob.schedules.create(
        taken.schedule.name, ob.jobs.bind("t", must_be_known=False), every("1h")
    )

    with pytest.raises(Conflict):
        await bring_in(ob, "@daily one\n@daily two\n")

    assert [each.name for each in await ob.schedules.list()] == [taken.schedule.name]
