"""What the doctor looks at in the database itself, and which of it can be put right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.app.onbeat import Onbeat
from onbeat.domain.words import lasting, many
from onbeat.store import diagnosis, folding

LARGE_WAL = 256 * 2**20
EMPTY_SHARE, EMPTY_LEAST = 0.5, 64 * 2**20
MIB = 2**20
WATCHED = timedelta(minutes=5)
"""How far the watcher may lie behind; it is some 20 s where all is well."""


async def examine_database(ob: Onbeat, path: Path | None) -> AsyncIterator[Finding]:
    """Look at the schema's parts, then at what the engine has of its own."""
    yield await _columns(ob)
    yield await _indexes(ob)
    if ob.url.startswith("sqlite"):
        yield await _file(ob, path)
        return
    yield await _transactions(ob)
    yield await _bloat(ob)
    yield await _statistics(ob)
    yield await _server(ob)


async def _columns(ob: Onbeat) -> Finding:
    missing = await (await ob.store()).read(diagnosis.missing_columns)
    if not missing:
        return Finding("columns", Verdict.GOOD, "all are there")
    told = f"missing: {', '.join(missing)}; somebody changed the schema: restore a backup"
    return Finding("columns", Verdict.WRONG, told, 5)


async def _indexes(ob: Onbeat) -> Finding:
    found = await (await ob.store()).read(diagnosis.lacks)
    if not found:
        return Finding("indexes", Verdict.GOOD, "all are there")
    told = f"missing or invalid: {', '.join(each.index for each in found)}"
    by_hand = [each.remedy for each in found if each.repair is None]
    repairs = tuple(each.repair for each in found if each.repair is not None)
    return Finding(
        "indexes", Verdict.WRONG, f"{told}; what they are for is slow, or not held", 5,
        remedies=(*(each.remedy for each in found if each.repair is not None), *by_hand),
        repairs=repairs,
    )  # fmt: skip


async def _file(ob: Onbeat, path: Path | None) -> Finding:
    state = await (await ob.store()).read(diagnosis.file_state)
    if state.damage is not None:
        told = f"the file is damaged: {state.damage}; restore a backup, and keep this one"
        return Finding("file", Verdict.WRONG, told, 5)
    told = f"{state.size / MIB:,.0f} MiB"
    if not state.was_looked_at:
        told += ", too large to look through here; PRAGMA quick_check does"
    wal = 0 if path is None else _size(path.with_name(path.name + "-wal"))
    if wal > LARGE_WAL:
        held = f"{told}; its -wal has {wal / MIB:,.0f} MiB: somebody reads for long"
        return Finding("file", Verdict.NOTE, held)
    if state.empty > EMPTY_LEAST and state.empty > EMPTY_SHARE * state.size:
        freed = f"{told}, of which {state.empty / MIB:,.0f} are empty"
        return Finding(
            "file", Verdict.NOTE, f"{freed}: used again, or given back while nothing runs",
            remedies=("VACUUM",),
        )  # fmt: skip
    return Finding("file", Verdict.GOOD, told)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def _transactions(ob: Onbeat) -> Finding:
    found = await (await ob.store()).read(diagnosis.long_transactions)
    if not found:
        return Finding("transactions", Verdict.GOOD, "none lasts for long")
    told = "; ".join(
        f"{each.application or 'unnamed'} ({each.state}) for {lasting(each.lasts)}"
        for each in found[:3]
    )
    return Finding(
        "transactions", Verdict.NOTE,
        f"{many(len(found), 'transaction')} {'last' if len(found) > 1 else 'lasts'} for long, and "
        f"what was deleted since cannot go: {told}",
        remedies=tuple(
            f"SELECT pg_terminate_backend({each.pid})" if each.pid
            else f"ROLLBACK PREPARED '{each.application}'"
            for each in found
        ),
    )  # fmt: skip


async def _bloat(ob: Onbeat) -> Finding:
    found = await (await ob.store()).read(diagnosis.bloated)
    if not found:
        return Finding("bloat", Verdict.GOOD, "no table carries much along")
    told = ", ".join(f"{each.table} ({each.dead:,} dead, {each.live:,} live)" for each in found)
    return Finding(
        "bloat", Verdict.NOTE, f"{told}: is autovacuum held up by a long transaction?",
        remedies=tuple(each.remedy for each in found),
    )  # fmt: skip


async def _statistics(ob: Onbeat) -> Finding:
    found = await (await ob.store()).read(diagnosis.never_analysed)
    if not found:
        return Finding("statistics", Verdict.GOOD, "the planner knows the tables")
    statements = tuple(f"ANALYZE {table}" for table in found)
    told = f"never analysed: {', '.join(found)}"
    return Finding("statistics", Verdict.NOTE, told, remedies=statements, repairs=statements)


async def _server(ob: Onbeat) -> Finding:
    found = await (await ob.store()).read(diagnosis.careless_settings)
    if not found:
        return Finding("server", Verdict.GOOD, "its settings lose nothing")
    told = f"{', '.join(found)}: data are lost in a crash, or tables grow; set them on"
    return Finding("server", Verdict.NOTE, told)


async def examine_work(ob: Onbeat) -> AsyncIterator[Finding]:
    """Look at what stands still: queues, services, the watcher."""
    yield await _queues(ob)
    yield await _services(ob)
    yield await _watcher(ob)


async def _queues(ob: Onbeat) -> Finding:
    served = {queue for session in await ob.workers.list() for queue in session.queues}
    with_work = [each for each in await ob.queues.list() if each.pending]
    told = [
        f"{each.name} is paused with {each.pending:,} pending: `onbeat queues resume {each.name}`"
        for each in with_work if each.paused_at is not None
    ] + [
        f"no worker serves {each.name}, with {each.pending:,} pending: `onbeat worker --queues "
        f"{each.name}`"
        for each in with_work if each.paused_at is None and each.name not in served
    ]  # fmt: skip
    if not told:
        return Finding("queues", Verdict.GOOD, "none stands still")
    return Finding("queues", Verdict.NOTE, "; ".join(told))


async def _services(ob: Onbeat) -> Finding:
    seen = await ob.services.list()
    failing = [each for each in seen if not each.snapshot.healthy]
    if not failing:
        return Finding("services", Verdict.GOOD, f"{many(len(seen), 'service')}, none in trouble")
    told = "; ".join(
        f"{each.id} is {each.snapshot.status}"
        + (f": {each.snapshot.last_error}" if each.snapshot.last_error else "")
        for each in failing[:3]
    )
    return Finding("services", Verdict.NOTE, told)


async def _watcher(ob: Onbeat) -> Finding:
    front = await (await ob.store()).read(folding.front)
    behind = timedelta() if front.first_at is None else front.at - front.first_at
    if behind <= WATCHED:
        return Finding("watcher", Verdict.GOOD, "all that ended is counted")
    told = f"what ended {lasting(behind)} ago is not counted: no process runs, or it catches up"
    return Finding("watcher", Verdict.NOTE, f"{told}; `onbeat tasks health` tells how far it is")
