"""Reads the plain English of a cron expression back, as a person would: what moments it names.

It knows nothing of expressions; what it cannot read is an error.
"""

from __future__ import annotations

import re
from calendar import day_name, month_name, monthrange
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

Names = Callable[[datetime], bool]
WEEKDAYS, MONTHS = list(day_name), list(month_name)
ORDINALS = ["first", "second", "third", "fourth", "fifth"]
DAY = timedelta(days=1)
NUMBERS = r"((?:\d+|, | and | to )+)"
CLAUSE = re.compile(rf"(?:every (\d+ )?|at )(second|minute|hour)s?(?: {NUMBERS})?")


def read_words(words: str) -> Names:
    """Whether a moment (UTC) is one of those that the words name."""
    text = re.sub(r" \(UTC\)$", "", words)
    text, months = _split(text, r" in (?=[JFMASOND][a-z]+)")
    text, days = _split(text, " on ")
    text = text.removesuffix(" every day")
    parts = [_time(text)]
    parts += [_days(days)] if days else []
    parts += [_months(months)] if months else []
    return lambda at: all(part(at) for part in parts)


def _split(text: str, at: str) -> tuple[str, str]:
    found = re.split(at, text, maxsplit=1)
    return found[0], found[1] if len(found) > 1 else ""


def _months(text: str) -> Names:
    named = _listed(text, MONTHS)
    return lambda at: at.month in named


def _time(text: str) -> Names:
    if match := re.fullmatch(r"at ((?:\d\d:\d\d(?::\d\d)?(?:, | and )?)+)", text):
        clock = {each if len(each) == 8 else f"{each}:00" for each in _split_list(match[1])}
        return lambda at: f"{at:%H:%M:%S}" in clock
    seconds, minutes, hours = {0}, set(range(60)), set(range(24))
    rest = text.removesuffix(" of every hour")
    for every, unit, listed in CLAUSE.findall(rest):
        top = 24 if unit == "hour" else 60
        found = _listed(listed, []) if listed else set(range(0, top, int(every or 1)))
        seconds = found if unit == "second" else seconds
        minutes = found if unit == "minute" else minutes
        hours = found if unit == "hour" else hours
    left = CLAUSE.sub("", rest)
    assert left.strip() == "", f"{left!r} of {text!r} is not understood"
    return lambda at: at.second in seconds and at.minute in minutes and at.hour in hours


def _days(text: str) -> Names:
    for joint, both in ((" or on ", any), (" and only if it is ", all)):
        if joint in text:
            parts = [_days(each) for each in text.split(joint, 1)]
            return lambda at: both(part(at) for part in parts)
    numbers = re.search(rf"days? {NUMBERS} of the month", text)
    if numbers and "nearest" not in text[: numbers.start() + 1]:
        plain = _listed(numbers[1], [])
        others = text.replace(numbers[0], "").strip(", ").removeprefix("and ")
        more = _days(others) if others else None
        return lambda at: at.day in plain or (more is not None and more(at))
    members = [_special(each) for each in re.split(r", (?=the)| and (?=the)", text)]
    return lambda at: any(member(at) for member in members)


def _special(text: str) -> Names:
    if match := re.fullmatch(r"the (\w+) (\w+day) of the month", text):
        weekday = WEEKDAYS.index(match[2])
        if match[1] == "last":
            return lambda at: at.weekday() == weekday and (at + 7 * DAY).month != at.month
        place = ORDINALS.index(match[1])
        return lambda at: at.weekday() == weekday and (at.day - 1) // 7 == place
    if match := re.fullmatch(r"the Monday to Friday nearest to day (\d+) of the month", text):
        wanted = int(match[1])
        return lambda at: at.day == _nearest(at, wanted)
    if text == "the last Monday to Friday of the month":
        return lambda at: at.day == _nearest(at, _length(at))
    if match := re.fullmatch(r"(?:the day (\d+) days? before )?the last day of the month", text):
        before = int(match[1] or 0)
        return lambda at: at.day == _length(at) - before
    named = _listed(text, WEEKDAYS)
    return lambda at: at.weekday() in named


def _length(at: datetime) -> int:
    return monthrange(at.year, at.month)[1]


def _nearest(at: datetime, day: int) -> int:
    if day > _length(at):
        return 0
    working = [n for n in range(1, _length(at) + 1) if at.replace(day=n).weekday() < 5]
    return min(working, key=lambda n: abs(n - day))


def _listed(text: str, names: Sequence[str]) -> set[int]:
    """A list of numbers or names, with runs as "1 to 5"."""
    found: set[int] = set()
    for each in _split_list(text.strip()):
        ends = [names.index(end) if names else int(end) for end in each.split(" to ")]
        last = ends[-1] + 7 if ends[-1] < ends[0] else ends[-1]
        found |= {n % len(names) if names else n for n in range(ends[0], last + 1)}
    return found


def _split_list(text: str) -> list[str]:
    return [each for each in re.split(r", | and ", text) if each]
