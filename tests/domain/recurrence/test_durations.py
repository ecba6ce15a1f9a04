from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.durations import format_duration, parse_duration
from onbeat.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("15MIN", 900),
        ("PT15M", 900),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        (" 2 hours 5 min ", 7500),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("0s", 0),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("1 day 1 second", 86_401),
        ("PT24H", 86_400),
        ("P1D", 86_400),
        ("p1w2dt3h4m5.5s", 788_645.5),
        ("PT0.5S", 0.5),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text, "timeout") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write it like"),
        ("soon", "write it like"),
        ("1h30", "write it like"),
        ("5", "write 5s for seconds or 5m for minutes"),
        ("-5m", "negative"),
        ("5x", "unknown unit 'x'"),
        ("1h1h", "unit twice"),
        ("1m 1min", "unit twice"),
        ("1M", "give 1m for a minute or 1mo for a month"),
        ("1h30M", "give 30m for a minute"),
        ("1 month", "no fixed length"),
        ("1y", "no fixed length"),
        ("P", "PT1H30M"),
        ("PT", "PT1H30M"),
        ("P1DT", "PT1H30M"),
        ("P1M", "PT1H30M"),
        ("PT1H30", "PT1H30M"),
        ("1e9s", "unknown unit"),
        ("٣m", "write it like"),
        ("36526d", "100 years"),
        ("999999999999999w", "100 years"),
        ("9" * 10_000 + "s", "longer than 100 characters; shorten it"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_remedy(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_duration(text, "timeout")

    assert refused.value.field == "timeout"
    assert words in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(hours=1, minutes=30), "1h30m"),
        (timedelta(days=1, hours=12), "1d12h"),
        (timedelta(weeks=2), "14d"),
        (timedelta(milliseconds=250), "0.25s"),
        (timedelta(minutes=10, seconds=30.5), "10m30.5s"),
        (-timedelta(minutes=5), "-5m"),
    ],
)
def test_a_duration_is_written(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.timedeltas(timedelta(0), timedelta(days=36_000)))
def test_a_written_duration_reads_back(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration), "timeout") == duration
