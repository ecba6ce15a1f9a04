"""An agenda, for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.agenda import MOST_ROWS, Agenda, Bucket, Row, Told
from onbeat.domain.recurrence.zones import to_local, zone_info


def agenda_data(agenda: Agenda) -> dict[str, Any]:
    """What was and what is to come."""
    return {
        "zone": agenda.zone,
        "now": absolute(agenda.now),
        "today": to_local(agenda.zone, agenda.now).date().isoformat(),
        "folded_to": absolute(agenda.folded_to),
        "buckets": list(_buckets(agenda)),
        "schedules": [_row(each) for each in agenda.rows[:MOST_ROWS]],
        "schedules_more": max(0, len(agenda.rows) - MOST_ROWS),
        "lapsed_since": absolute(agenda.lapsed_since),
        "left_out": agenda.left_out,
    }


def _buckets(agenda: Agenda) -> Iterator[dict[str, Any]]:
    for bucket, told in zip(agenda.buckets, agenda.totals, strict=True):
        yield {
            "begins_at": absolute(bucket.begins_at),
            "ends_at": absolute(bucket.ends_at),
            "local": bucket.begins_at.astimezone(zone_info(agenda.zone)).isoformat(),
            "hours": _hours(bucket),
            "counts": _counts(told),
        }


def _hours(bucket: Bucket) -> float:
    return (bucket.ends_at - bucket.begins_at).total_seconds() / 3600


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "cells": [
            {
                "bucket": at,
                "counts": _counts(cell),
                "first_at": absolute(cell.first_at),
                "last_at": absolute(cell.last_at),
                "every_s": None if cell.every is None else cell.every.total_seconds(),
            }
            for at, cell in sorted(row.cells.items())
        ],
    }


def _counts(told: Told) -> dict[str, int]:
    return {
        "completed": told.completed,
        "failed": told.failed,
        "cancelled": told.cancelled,
        "missed": told.missed,
        "skipped": told.skipped,
        "coming": told.coming,
        "cut": told.cut,
    }
