"""Notices as they are about to be sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from onbeat.alerts.messages import Letter, compose
from onbeat.domain.channels import Options, Tells
from onbeat.domain.incidents import Changed, Facts, Kind, LastError, Severity
from onbeat.domain.notices import Item, Notice, NoticeKind, NoticeState

NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
NOTICE, OPENING = "01a224dee48270009786037438a3877c", "01a224dee48270009786037438a38770"


def facts(**said: Any) -> Facts:
    """What is known of a task that fails."""
    plain: dict[str, Any] = {
        "what": "nightly-report failed 3 times in a row",
        "since": NOW - timedelta(minutes=64),
        "figures": {"Failures": "3 in a row", "Attempt": "3/3"},
        "last_error": LastError(
            at=NOW, type="ConnectionError", message="bank <eu> & `co` refused: 443",
            place="shop/bank.py:42 in charge", job=NOTICE,
        ),
        "last_good_at": NOW - timedelta(hours=26),
        "changed": (Changed(at=NOW - timedelta(hours=2), what="its arguments", by="ann"),),
        "to_try": ("onbeat jobs ls --task nightly-report --state failed",),
        "link": "https://onbeat.example/incidents/1",
        "queue": "reports",
    }  # fmt: skip
    return Facts(**(plain | said))


def item(**said: Any) -> Item:
    """An incident as a notice tells of it."""
    plain: dict[str, Any] = {
        "incident": NOTICE, "tells": Tells.OPENED, "at": NOW, "rule": "failing",
        "kind": Kind.SCHEDULE, "subject": "nightly-report", "name": "nightly-report",
        "severity": Severity.ERROR, "opened_at": NOW, "facts": facts(),
    }  # fmt: skip
    return Item(**(plain | said))


def notice(*items: Item, **said: Any) -> Notice:
    """A notice of those incidents; of one, where none is given."""
    of = items or (item(),)
    plain: dict[str, Any] = {
        "id": NOTICE, "channel": "0" * 32, "kind": NoticeKind.OPENING, "rule": "failing",
        "severity": Severity.ERROR, "thread": NOTICE, "state": NoticeState.SENDING,
        "made_at": NOW, "due_at": NOW, "attempts": 1, "count": len(of), "items": of,
    }  # fmt: skip
    return Notice(**(plain | said))


def letter(
    of: Notice | None = None, *, options: Options | None = None, left: int = 0, unseen: int = 0
) -> Letter:
    """What it says."""
    return compose(
        of or notice(), options or Options(), NOW, environment="prod", left=left, unseen=unseen
    )


def end(**said: Any) -> Notice:
    """The notice of an end."""
    over = item(tells=Tells.RESOLVED, resolved_at=NOW)
    plain: dict[str, Any] = {"kind": NoticeKind.RESOLVED, "thread": OPENING}
    return notice(over, **(plain | said))
