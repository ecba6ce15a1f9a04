"""The pictures of docs/policies.md and docs/concepts.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from onbeat.domain.backfills import moments_between
from onbeat.domain.recurrence import Recurrence, cron
from onbeat.domain.recurrence.local_time import Fold, Gap
from onbeat.domain.recurrence.zones import zone_info
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome
from tests.docs.pictures.clocks import clocks
from tests.docs.pictures.drawing import Axis, drawn
from tests.docs.pictures.fencing import fencing
from tests.docs.pictures.flow import flow
from tests.docs.pictures.states import states
from tests.docs.pictures.story import BEGIN, MINUTE, Story, Told, told

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"

OVERLAPS = ("skip", "allow", "buffer one", "buffer all", "cancel running")
CATCH_UPS = ("latest within 1d", "first within 1d", "all within 1d", "all within 1d at most 3 "
             "every 5m", "latest within 5m", "none")  # fmt: skip

PICTURES: dict[str, tuple[str, tuple[Story, ...]]] = {
    "overlap": (
        "overlap: due every 10 minutes, each job takes 25",
        tuple(
            Story(label=each, overlap=each, job_minutes=25, minutes=98) for each in OVERLAPS
        ),
    ),
    "catch-up": (
        "catch_up: due every 10 minutes, no scheduler from 09:05 to 09:55",
        tuple(
            Story(label=each, catch_up=each, overlap="allow", minutes=88, down=(5, 55))
            for each in CATCH_UPS
        ),
    ),
    "bounds": (
        "bounds: due every 10 minutes",
        (
            Story(label="start 09:15", start=15, minutes=78),
            Story(label="end 09:40, included", end=40, minutes=78),
            Story(label="limit 3", limit=3, minutes=78),
            Story(label="jitter 6m", jitter_minutes=6, minutes=78),
            Story(label="pause_after 3, all fail", pause_after=3, fails=True, minutes=78),
        ),
    ),
    "by-hand": (
        "by hand: due every 10 minutes",
        (
            Story(label="pause until 09:32", minutes=88, deeds=((7, "pause"),)),
            Story(label="skip the next two", minutes=88, deeds=((7, "skip-next 2"),)),
            Story(label="trigger", minutes=88, deeds=((14, "trigger"),)),
            Story(
                label="backfill after downtime",
                catch_up="none",
                minutes=88,
                down=(5, 45),
                deeds=((55, "backfill"),),
            ),
        ),
    ),
}  # fmt: skip


GAPS: tuple[Gap, ...] = ("after", "skip", "shift")
FOLDS: tuple[Fold, ...] = ("first", "second", "both")


def clock_change(title: str, begin: datetime, rules: Mapping[str, Recurrence]) -> str:
    """What a time that does not exist, or exists twice, becomes; the axis has the local times."""
    end = begin + 150 * MINUTE
    zone = zone_info("Europe/Paris")
    stories = [
        Told(
            Story(label=label),
            [
                Occurrence(BEGIN + (moment - begin), OccurrenceOutcome.RAN)
                for moment in moments_between(recurrence, begin, end)
            ],
            [],
        )
        for label, recurrence in rules.items()
    ]
    label = lambda minute: f"{(begin + minute * MINUTE).astimezone(zone):%H:%M}"  # noqa: E731
    return drawn(title, stories, Axis(150, per_minute=4.5, step=15, label=label))


def gap() -> str:
    """Spring in Paris."""
    rules = {f'gap="{rule}"': cron("30 2 * * *", tz="Europe/Paris", gap=rule) for rule in GAPS}
    begin = datetime(2027, 3, 28, 0, 15, tzinfo=UTC)
    return clock_change('"30 2 * * *" in Paris, 28 March 2027: no 02:30 that day', begin, rules)


def fold() -> str:
    """Autumn in Paris."""
    rules = {f'fold="{rule}"': cron("30 2 * * *", tz="Europe/Paris", fold=rule) for rule in FOLDS}
    begin = datetime(2027, 10, 30, 23, 45, tzinfo=UTC)
    return clock_change('"30 2 * * *" in Paris, 31 October 2027: 02:30 comes twice', begin, rules)


LEDGER = Story(
    label="every 10 minutes",
    catch_up="latest within 15m",
    job_minutes=14,
    minutes=138,
    down=(65, 105),
    deeds=((22, "skip-next 2"),),
)
"""A morning on which all comes to be that can."""


async def ledger() -> str:
    """One row for each moment, or for a range of them."""
    title = "The ledger: what became of each moment; jobs of 14 minutes, no two at once"
    return drawn(title, [await told(LEDGER)], Axis(LEDGER.minutes, per_minute=6))


OF_CONCEPTS = ("states", "flow", "ledger", "fencing", "clocks")
"""Those of docs/concepts.md."""

NAMES = (*PICTURES, "gap", "fold", *OF_CONCEPTS)


async def picture(name: str) -> str:
    """One of them, as SVG, from what the engine does now."""
    still = {"gap": gap, "fold": fold, "states": states, "flow": flow}
    if name in still:
        return still[name]()
    played = {"ledger": ledger, "fencing": fencing, "clocks": clocks}
    if name in played:
        return await played[name]()
    title, stories = PICTURES[name]
    axis = Axis(max(each.minutes for each in stories))
    return drawn(title, [await told(story) for story in stories], axis)
