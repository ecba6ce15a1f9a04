"""Rows become sessions, and sessions are judged; a later row corrects what an earlier one said."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Update, bindparam, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from examples.csv_pipeline.tables import imports, rows, sessions

FORMATS = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M %p")
LONGEST_MESSAGE = 10_000
RATINGS = range(1, 6)
LONGEST_RATING = 4
"""Characters, for 00004 is none, and Python refuses a number of thousands of digits."""
MOST_ATTEMPTS = 3
"""Times that a session is asked about before it is left as failed."""


class BadRow(Exception):
    """It is no session, for the reason given."""


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation of a customer, as far as its export tells of it."""

    id: str
    version: str
    started_at: str
    country: str | None
    rating: int | None
    message: str


def session_of(fields: Mapping[str, str], otherwise: str) -> Session:
    """What a row says; it is of the version `otherwise` where it names none. Raises BadRow."""
    updated = fields.get("updated_at")
    return Session(
        id=_short("session_id", fields["session_id"], 100),
        version=moment("updated_at", updated) if updated else otherwise,
        started_at=moment("started_at", fields["started_at"]),
        country=_country(fields.get("country")),
        rating=_rating(fields.get("rating")),
        message=_short("message", fields["message"], LONGEST_MESSAGE),
    )


def moment(name: str, text: str) -> str:
    """ISO 8601, or as German and American programs write it; in UTC. Raises BadRow."""
    for read in (datetime.fromisoformat, *(_as(each) for each in FORMATS)):
        try:
            found = read(text)
            aware = found if found.tzinfo else found.replace(tzinfo=UTC)
            return aware.astimezone(UTC).isoformat(timespec="seconds")
        except (ValueError, OverflowError):  # in UTC it may be before the first year
            continue
    raise BadRow(f"{name}: {text[:40]!r} is no moment")


def _as(pattern: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, pattern).replace(tzinfo=UTC)


def _short(name: str, text: str, most: int) -> str:
    if len(text) > most:
        raise BadRow(f"{name}: it is longer than {most} characters")
    if "\0" in text:  # which PostgreSQL stores in no text
        raise BadRow(f"{name}: there is a zero character in it")
    return text


def _country(text: str | None) -> str | None:
    if text and not re.fullmatch(r"[A-Za-z]{2}", text):
        raise BadRow(f"country: {text[:40]!r} has not two letters")
    return text.upper() if text else None


def _rating(text: str | None) -> int | None:
    if text and (
        len(text) > LONGEST_RATING or not text.isdecimal() or int(text) not in RATINGS
    ):  # fmt: skip
        raise BadRow(f"rating: {text[:40]!r} is not 1 to 5")
    return int(text) if text else None


def take_rows(connection: Connection, now: datetime, company: str, limit: int) -> int:
    """Make sessions of the next rows of a company; how many rows that were."""
    found = connection.execute(
        select(rows.c.import_id, rows.c.line, rows.c.body, imports.c.begun_at)
        .join(imports, imports.c.id == rows.c.import_id)
        .where(rows.c.company == company, rows.c.state == "waiting")
        .order_by(rows.c.import_id, rows.c.line)
        .limit(limit)
    ).all()
    made: dict[str, Session] = {}
    refused: dict[tuple[str, int], str] = {}
    for each in found:
        try:
            session = session_of(json.loads(each.body), each.begun_at)
        except (BadRow, ValueError, OverflowError) as error:  # a row, not the 999 beside it
            refused[each.import_id, each.line] = str(error)
        else:
            before = made.get(session.id)
            if before is None or session.version > before.version:
                made[session.id] = session
    _store(connection, company, list(made.values()))
    _settle(connection, found, refused)
    return len(found)


def _store(connection: Connection, company: str, made: Sequence[Session]) -> None:
    """Have the sessions; one that is there is changed by a later version alone."""
    if not made:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    asked = insert(sessions)
    new, old = asked.excluded, sessions.c
    is_another = new.message != old.message
    named = ("version", "started_at", "country", "rating", "message")
    connection.execute(
        asked.on_conflict_do_update(
            index_elements=["company", "id"],
            set_={
                **{name: new[name] for name in named},
                "corrections": old.corrections + 1,
                "state": case((is_another, "waiting"), else_=old.state),
                "attempts": case((is_another, 0), else_=old.attempts),
            },
            where=new.version > old.version,
        ),
        [
            {"company": company, "id": each.id, "corrections": 0, "state": "waiting",
             "attempts": 0, **{name: getattr(each, name) for name in named}}
            for each in made
        ],
    )  # fmt: skip


def _settle(
    connection: Connection, found: Sequence[Any], refused: Mapping[tuple[str, int], str]
) -> None:
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for each in found:
        if (each.import_id, each.line) not in refused:
            lines[each.import_id].append(each.line)
    for of, taken in lines.items():
        is_one = (rows.c.import_id == of) & rows.c.line.in_(taken)
        connection.execute(update(rows).where(is_one).values(state="taken"))
    for (of, line), reason in refused.items():
        connection.execute(
            update(rows)
            .where(rows.c.import_id == of, rows.c.line == line)
            .values(state="refused", reason=reason)
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A session that is to be judged, and the version of it that is."""

    id: str
    version: str
    message: str


def waiting(
    connection: Connection, now: datetime, company: str, limit: int, after: str = ""
) -> list[Asked]:
    """The next of a company that nobody has judged, by their ids."""
    found = connection.execute(
        select(sessions.c.id, sessions.c.version, sessions.c.message)
        .where(
            sessions.c.company == company, sessions.c.state == "waiting", sessions.c.id > after
        )
        .order_by(sessions.c.id)
        .limit(limit)
    )  # fmt: skip
    return [Asked(*each) for each in found]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a session is about, how it is meant, and who says so."""

    category: str
    sentiment: str
    judged_by: str


def unjudged(
    connection: Connection, now: datetime, company: str, found: Sequence[Asked]
) -> None:  # fmt: skip
    """Count an attempt for each of these; one that has had all has failed."""
    if not found:
        return
    tried = sessions.c.attempts + 1
    state = case((tried >= MOST_ATTEMPTS, "failed"), else_=sessions.c.state)
    connection.execute(
        _asked_about(company).values(attempts=tried, state=state),
        [{"of": each.id, "as_of": each.version} for each in found],
    )


def _asked_about(company: str) -> Update:
    is_it = (sessions.c.id == bindparam("of")) & (sessions.c.version == bindparam("as_of"))
    return update(sessions).where(
        sessions.c.company == company, is_it, sessions.c.state == "waiting"
    )  # fmt: skip


def judged(
    connection: Connection, now: datetime, company: str,
    found: Sequence[tuple[Asked, Verdict]],
) -> None:  # fmt: skip
    """Note verdicts; not of a session that has been corrected since it was asked about."""
    if not found:
        return
    connection.execute(
        _asked_about(company).values(
            state="analysed", category=bindparam("about"), sentiment=bindparam("meant"),
            judged_by=bindparam("judge"),
        ),
        [
            {"of": asked.id, "as_of": asked.version, "about": verdict.category,
             "meant": verdict.sentiment, "judge": verdict.judged_by}
            for asked, verdict in found
        ],
    )  # fmt: skip
