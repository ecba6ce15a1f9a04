"""What the world's server keeps, in SQLite: it is there again after the server was killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from examples.game_world import rules
from examples.game_world.rules import (
    Effect,
    Entity,
    Event,
    Settlement,
    Structure,
    Verdict,
    World,
)

E = TypeVar("E", bound=Entity)
Grows = TypeVar("Grows", Settlement, Structure)

TABLES = """
CREATE TABLE IF NOT EXISTS campaign (id TEXT PRIMARY KEY, world_time TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entity (
    kind TEXT NOT NULL, id TEXT NOT NULL, campaign TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE IF NOT EXISTS execution (number INTEGER PRIMARY KEY, effect TEXT NOT NULL,
    request TEXT NOT NULL, changed INTEGER NOT NULL);
"""


class Missing(LookupError):
    """There is no such thing in the world."""


class Overtaken(Exception):
    """Somebody else has changed it meanwhile."""


class State:
    """All campaigns. Each method that changes something is one transaction."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(TABLES)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def found(self, world: World) -> None:
        """Take in a world; one of a campaign that is there stays as it is."""
        time = world.world_time.isoformat()
        with self._writing():
            made = self._db.execute(
                "INSERT OR IGNORE INTO campaign VALUES (?, ?)", (world.campaign_id, time)
            )
            if made.rowcount:
                for entity in (
                    *world.settlements, *world.structures, *world.events, *world.effects
                ):  # fmt: skip
                    self._put(entity)

    def campaigns(self) -> list[dict[str, str]]:
        """Each with its time."""
        rows = self._db.execute("SELECT id, world_time FROM campaign ORDER BY id")
        return [{"id": each, "worldTime": time} for each, time in rows]

    def world(self, campaign: str) -> World:
        """All of a campaign. Raises Missing."""
        found = self._db.execute("SELECT world_time FROM campaign WHERE id = ?", (campaign,))
        row = found.fetchone()
        if row is None:
            raise Missing(campaign)
        return World(
            campaign_id=campaign,
            world_time=datetime.fromisoformat(row[0]),
            settlements=tuple(self.all(Settlement, campaign)),
            structures=tuple(self.all(Structure, campaign)),
            events=tuple(self.all(Event, campaign)),
            effects=tuple(self.all(Effect, campaign)),
        )

    def all(self, kind: type[E], campaign: str) -> Sequence[E]:
        """All of a kind, by their ids."""
        rows = self._db.execute(
            "SELECT body FROM entity WHERE kind = ? AND campaign = ? ORDER BY id",
            (kind.__name__, campaign),
        )
        return [msgspec.json.decode(body, type=kind) for (body,) in rows]

    def one(self, kind: type[E], identity: str) -> E:
        """One by its id. Raises Missing."""
        found = self._db.execute(
            "SELECT body FROM entity WHERE kind = ? AND id = ?", (kind.__name__, identity)
        )
        row = found.fetchone()
        if row is None:
            raise Missing(identity)
        return msgspec.json.decode(row[0], type=kind)

    def advance(self, campaign: str, to: datetime) -> datetime:
        """Let time pass in a campaign; it never goes back. Raises Missing."""
        with self._writing():
            time = max(self.world(campaign).world_time, to)
            self._db.execute(
                "UPDATE campaign SET world_time = ? WHERE id = ?", (time.isoformat(), campaign)
            )
        return time

    def bring(self, kind: type[Grows], identity: str, base: int, said: dict[str, Any]) -> Grows:
        """Write what became of something that had made `base` steps; what is there already stays.
        Raises Missing and Overtaken.
        """
        with self._writing():
            now = self.one(kind, identity)
            if now.steps >= int(said["steps"]):
                return now
            if now.steps != base:
                raise Overtaken(identity)
            merged = {**msgspec.to_builtins(now), **said}
            if isinstance(now, Settlement):  # its gold is of effects alone
                grain = {"granary": said["granary"]}
                merged["variables"] = {**msgspec.to_builtins(now.variables), **grain}
            self._put(brought := msgspec.convert(merged, kind))
        return brought

    def end(self, identity: str, what: Verdict) -> Event:
        """End an event, and make the next of one that recurs; one that has ended stays so."""
        with self._writing():
            event = self.one(Event, identity)
            if event.ended_at is None:
                self._put(rules.ended(event, what))
                if (following := rules.following(event)) is not None:
                    self._put(following)
        return self.one(Event, identity)

    def execute(self, identity: str, request: str) -> Effect:
        """Execute an effect once, however often it is asked for; each time is on record."""
        with self._writing():
            effect = self.one(Effect, identity)
            is_new = effect.executed_at is None
            self._db.execute(
                "INSERT INTO execution (effect, request, changed) VALUES (?, ?, ?)",
                (identity, request, int(is_new)),
            )
            if is_new:
                self._put(rules.gained(self.one(Settlement, effect.settlement_id), effect))
                self._put(rules.executed(effect))
        return self.one(Effect, identity)

    def add(self, effect: Effect) -> None:
        """A new effect."""
        with self._writing():
            self._put(effect)

    def executions(self) -> dict[str, int]:
        """How often effects were asked for, and how often that changed something."""
        found = self._db.execute("SELECT count(*), coalesce(sum(changed), 0) FROM execution")
        asked, changed = found.fetchone()
        return {"asked": asked, "changed": changed}

    def _put(self, entity: Entity) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO entity VALUES (?, ?, ?, ?)",
            (type(entity).__name__, entity.id, entity.campaign_id, msgspec.json.encode(entity)),
        )

    def _writing(self) -> _Writing:
        return _Writing(self._db)


class _Writing:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
