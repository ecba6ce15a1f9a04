"""What is on record of batches: which sessions are in which, and what came of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, select, update

from examples.csv_pipeline.sessions import MOST_ATTEMPTS, Verdict
from examples.csv_pipeline.tables import batches, put, sessions


@dataclass(frozen=True, slots=True)
class Batch:
    """One that has not ended."""

    id: str
    company: str
    upstream: str | None
    """What the API calls it, once it is known there."""
    messages: Mapping[str, str]
    """Of its sessions, by their ids."""


def prepare(
    connection: Connection, now: datetime, new_id: str, company: str, most: int
) -> int:  # fmt: skip
    """Put waiting sessions of a company into a new batch; how many."""
    chosen = (
        select(sessions.c.id)
        .where(sessions.c.company == company, sessions.c.state == "waiting")
        .order_by(sessions.c.id)
        .limit(most)
    )
    found = list(connection.execute(chosen).scalars())
    if found:
        put(connection, batches, [{
            "id": new_id, "company": company, "state": "prepared", "size": len(found),
            "created_at": now.isoformat(),
        }])  # fmt: skip
        connection.execute(
            update(sessions)
            .where(sessions.c.company == company, sessions.c.id.in_(found))
            .values(state="batched", batch=new_id)
        )
    return len(found)


def open_ones(connection: Connection, now: datetime, company: str, state: str) -> list[Batch]:
    """Those of a company that are `prepared`, or `submitted`, the oldest first."""
    is_one = (batches.c.company == company) & (batches.c.state == state)
    asked = select(batches.c.id, batches.c.upstream).where(is_one).order_by(batches.c.created_at)
    return [
        Batch(each.id, company, each.upstream, _messages(connection, each.id))
        for each in connection.execute(asked).all()
    ]


def _messages(connection: Connection, batch: str) -> dict[str, str]:
    asked = select(sessions.c.id, sessions.c.message).where(
        sessions.c.batch == batch, sessions.c.state == "batched"
    )
    return {each.id: each.message for each in connection.execute(asked)}


def submitted(connection: Connection, now: datetime, batch: str, upstream: str) -> None:
    """The API has it."""
    connection.execute(
        update(batches)
        .where(batches.c.id == batch, batches.c.state == "prepared")
        .values(state="submitted", upstream=upstream)
    )


def end(
    connection: Connection, now: datetime, batch: Batch, verdicts: Mapping[str, Verdict], note: str,
    tried: Collection[str] = (),
) -> bool:  # fmt: skip
    """Note what came of it, once: sessions without a verdict wait for another batch, or have
    failed for good, where `tried` names them for the last time. Whether it had not ended before.
    """
    failed = batch.messages.keys() - verdicts.keys()
    ended = connection.execute(
        update(batches)
        .where(batches.c.id == batch.id, batches.c.state != "ended")
        .values(state="ended", succeeded=len(verdicts), failed=len(failed), note=note)
    )
    if ended.rowcount != 1:
        return False
    is_in = (sessions.c.batch == batch.id) & (sessions.c.state == "batched")
    for name, verdict in verdicts.items():
        connection.execute(
            update(sessions).where(is_in, sessions.c.id == name).values(
                state="analysed", category=verdict.category, sentiment=verdict.sentiment,
                judged_by=verdict.judged_by,
            )
        )  # fmt: skip
    attempts = sessions.c.attempts + 1
    for name in failed & set(tried):
        state = case((attempts >= MOST_ATTEMPTS, "failed"), else_="waiting")
        connection.execute(
            update(sessions)
            .where(is_in, sessions.c.id == name)
            .values(state=state, attempts=attempts)
        )
    connection.execute(update(sessions).where(is_in).values(state="waiting"))
    return True
