"""What the laws are tried on: zones, moments near clock changes, and valid cron expressions."""

from __future__ import annotations

# ruff: noqa: DTZ001  naive times are among what is tried
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from hypothesis import strategies as st

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import Cron, cron
from onbeat.domain.recurrence.local_time import Fold, Gap
from onbeat.domain.recurrence.zones import changes_in

UNUSABLE = {"Factory", "localtime", "posixrules"}
ALL_ZONES = sorted(available_timezones() - UNUSABLE)
AWKWARD_ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "America/Havana",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Europe/Paris",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "UTC",
)

zones = st.one_of(st.sampled_from(AWKWARD_ZONES), st.sampled_from(ALL_ZONES))
gaps: st.SearchStrategy[Gap] = st.sampled_from(("after", "skip", "shift"))
folds: st.SearchStrategy[Fold] = st.sampled_from(("first", "second", "both"))
any_moments = st.datetimes(datetime(1900, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))


@st.composite
def moments_in(draw: st.DrawFn, zone: str, first: int = 1971, last: int = 2060) -> datetime:
    """A moment, within two days of a clock change of the zone wherever its year has one."""
    year = draw(st.integers(first, last))
    changes = changes_in(zone, year)
    if not changes:
        return draw(st.datetimes(datetime(year, 1, 1), datetime(year, 12, 31))).replace(tzinfo=UTC)

    change = draw(st.sampled_from(changes)).start.replace(tzinfo=UTC)
    return change + timedelta(seconds=draw(st.integers(-172_800, 172_800)))


@st.composite
def _field(draw: st.DrawFn, low: int, high: int, *, open_steps: bool = True) -> str:
    def term() -> str:
        start = draw(st.integers(low, high - 1))
        end = draw(st.integers(start + 1, high))
        shapes = [
            str(start),
            f"{start}-{end}",
            f"{start}-{end}/{draw(st.integers(1, end - start))}",
        ]
        if open_steps:
            shapes.append(f"{start}/{draw(st.integers(1, high - start))}")

        return draw(st.sampled_from(shapes))

    star = draw(st.sampled_from(["*", "step", "terms", "terms"]))
    if star == "*":
        return "*"

    if star == "step":
        return f"*/{draw(st.integers(1, high - low))}"

    return ",".join(term() for _ in range(draw(st.integers(1, 3))))


@st.composite
def expressions(draw: st.DrawFn, *, fixed: bool = False, plain: bool = False) -> str:
    """A valid expression of five fields; `plain` leaves out what is Onbeat's own (W, L-n)."""
    minute = draw(st.integers(0, 59).map(str) if fixed else _field(0, 59))
    hour = draw(st.integers(0, 23).map(str) if fixed else _field(0, 23))
    day = draw(st.one_of(st.just("*"), _field(1, 31)))
    weekday = draw(st.one_of(st.just("*"), _field(0, 6, open_steps=False)))
    if not plain:
        day = draw(st.sampled_from([day, day, "L", "L-3", "LW", "15W", "1W,L"]))
        weekday = draw(st.sampled_from([weekday, weekday, "MON-FRI", "5L", "TUE#2,0", "7"]))

    if "*" not in {day, weekday} and (day + weekday).count("*"):
        weekday = "*"

    return f"{minute} {hour} {day} {draw(st.one_of(st.just('*'), _field(1, 12)))} {weekday}"


def cron_or_none(
    expression: str, zone: str = "UTC", gap: Gap = "after", fold: Fold = "first"
) -> Cron | None:
    """The recurrence; None where the expression would never fire."""
    try:
        return cron(expression, tz=zone, gap=gap, fold=fold)
    except InvalidRecurrence as refused:
        if "never fire" in str(refused):
            return None

        raise
