"""How that is which a process depends on. Without the database it is down; without anything else it
goes on, more slowly or for a while.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from onbeat.api.key_files import KeyFile
from onbeat.api.live.hub import Hub
from onbeat.api.schemas.health import (
    Dependency,
    Disk,
    Health,
    KeysFile,
    LiveUpdates,
    SourceHealth,
    Status,
)
from onbeat.app.onbeat import Onbeat
from onbeat.app.readiness import database_latency
from onbeat.domain.errors import OnbeatError
from onbeat.outbound.shared_shelf import SharedShelf
from onbeat.sources.listener import SERVICE
from onbeat.store.sqlite.connections import database_path
from onbeat.store.store import Store
from onbeat.store.wakeups import Hearing

MOST_BEHIND = 15.0
"""Seconds; the reader rests for 5 after a look, or for four times as long as that took."""

LEAST_FREE = 256 * 1024 * 1024
"""Bytes on the disk of a SQLite file: with less, somebody is to make room before it is full."""


async def database_alone(ob: Onbeat) -> Health:
    """Whether the database answers and has the tables that are needed."""
    return _whole({"database": await _database(ob)})


async def all_of(
    ob: Onbeat, hub: Hub, jwks: KeyFile | None, shared: SharedShelf | None = None
) -> Health:
    """Each dependency that this process has."""
    found = {"database": await _database(ob)}
    if ob.is_connected:
        found |= _of_store(await ob.store(), hub)
    if found["database"].status == "up":
        found |= await _sources(ob)
    if shared is not None:
        found["redis"] = await _redis(shared)
    file = database_path(ob.url) if ob.url.startswith("sqlite") else None
    if file is not None or jwks is not None:
        # A network's file system may be slow, and would keep all who ask waiting.
        found |= await asyncio.to_thread(_of_files, file, jwks)
    return _whole(found)


def without_measures(health: Health) -> Health:
    """States, and how long it took, alone: what may be told to anybody."""
    bare = {
        name: each.model_copy(update=dict.fromkeys(_measures_of(each)))
        for name, each in health.dependencies.items()
    }
    return health.model_copy(update={"dependencies": bare})


def _measures_of(dependency: Dependency) -> set[str]:
    return set(type(dependency).model_fields) - set(Dependency.model_fields)


def _whole(found: Mapping[str, Dependency]) -> Health:
    states = {each.status for each in found.values()}
    if "down" in states:
        return Health(status="error", dependencies=dict(found))
    return Health(status="degraded" if "degraded" in states else "ok", dependencies=dict(found))


async def _database(ob: Onbeat) -> Dependency:
    took = await database_latency(ob)
    return Dependency(status="down" if took is None else "up", latency_ms=took)


def _of_store(store: Store, hub: Hub) -> dict[str, Dependency]:
    found: dict[str, Dependency] = {}
    if store.hearing is not None:
        found["hints"] = _hints(store.hearing)
    behind = hub.behind(store.timing.monotonic())
    if behind is not None:
        found["live"] = LiveUpdates(
            status=_state(is_up=behind <= MOST_BEHIND), latency_ms=None, behind_s=round(behind, 3)
        )
    return found


async def _sources(ob: Onbeat) -> dict[str, Dependency]:
    try:
        seen = await ob.sources.list()
    except OnbeatError:
        return {}
    return {
        f"{SERVICE}{each.name}": SourceHealth(
            status=_state(is_up=each.is_up), latency_ms=None,
            behind_s=None if each.listening is None
            else round(each.listening.behind.total_seconds(), 3),
            waiting=None if each.listening is None else each.listening.waiting,
        )
        for each in seen
    }  # fmt: skip


async def _redis(shared: SharedShelf) -> Dependency:
    began = time.perf_counter()
    if not await shared.ping():
        return Dependency(status="degraded", latency_ms=None)
    return Dependency(status="up", latency_ms=_ms_since(began))


def _hints(hearing: Hearing) -> Dependency:
    took = None if hearing.took is None else round(hearing.took * 1000, 2)
    return Dependency(status=_state(is_up=hearing.is_connected), latency_ms=took)


def _of_files(file: Path | None, jwks: KeyFile | None) -> dict[str, Dependency]:
    found: dict[str, Dependency] = {}
    if file is not None:
        found["disk"] = disk(file.parent)
    if jwks is not None:
        found["jwks"] = _keys(jwks)
    return found


def disk(folder: Path, *, least: int = LEAST_FREE) -> Disk:
    """The disk that `folder` is on; nearly full where it has under `least` bytes."""
    began = time.perf_counter()
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return Disk(status="degraded", latency_ms=None, free_bytes=None)
    return Disk(status=_state(is_up=free >= least), latency_ms=_ms_since(began), free_bytes=free)


def _keys(file: KeyFile) -> KeysFile:
    """Those of before are believed while it cannot be read; there is no next start without it."""
    began = time.perf_counter()
    file.look()
    try:
        age = max(0.0, time.time() - file.path.stat().st_mtime)
    except OSError:
        age = None
    if age is None or file.fault is not None:
        return KeysFile(status="degraded", latency_ms=None, age_s=age)
    return KeysFile(status="up", latency_ms=_ms_since(began), age_s=round(age, 1))


def _state(*, is_up: bool) -> Status:
    """Of what can be done without."""
    return "up" if is_up else "degraded"


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
