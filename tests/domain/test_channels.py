"""Which incidents a channel hears of, when, and by which words: pure."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.channels import Channel, ChannelKind, Options, hearers, read_options, told_at
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Facts, Incident, Kind, Severity, State
from onbeat.domain.notices import (
    DELAYS,
    LONGEST_ASKED,
    Came,
    NoticeState,
    Verdict,
    settle,
)
from onbeat.domain.templates import FIELDS, check_template, fill

NIGHT = Options(quiet="22:00-07:00 Europe/Paris")
NOON = Options(quiet="12:00-13:30 UTC")
NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
CHANNEL = Channel(
    id="0" * 32, name="ops", kind=ChannelKind.SLACK, target="", options=Options(), enabled=True,
    created_at=NOW, changed_at=NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    ("options", "at", "then"),
    [
        (NIGHT, "2027-01-04T20:59+00:00", None),
        (NIGHT, "2027-01-04T21:00+00:00", "2027-01-05T06:00+00:00"),
        (NIGHT, "2027-01-05T02:00+00:00", "2027-01-05T06:00+00:00"),
        (NIGHT, "2027-01-05T06:00+00:00", None),
        (NIGHT, "2027-03-27T22:00+00:00", "2027-03-28T05:00+00:00"),  # the clocks go forward
        (NOON, "2027-01-04T12:29+00:00", "2027-01-04T13:30+00:00"),
        (NOON, "2027-01-04T13:30+00:00", None),
        (Options(), "2027-01-04T02:00+00:00", None),
    ],
)
def test_quiet_hours_end_by_the_wall_clock_of_their_zone(
    options: Options, at: str, then: str | None
) -> None:
    moment = datetime.fromisoformat(at)

    assert told_at(options, Severity.ERROR, moment) == datetime.fromisoformat(then or at)
    assert told_at(options, Severity.CRITICAL, moment) == moment


@given(st.integers(0, 2 * 366 * 86_400))
def test_nothing_is_told_earlier_than_it_is_due_or_a_day_later(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    then = told_at(NIGHT, Severity.ERROR, moment)

    assert moment <= then < moment + timedelta(hours=11)
    assert told_at(NIGHT, Severity.ERROR, then) == then


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("severity", "bad"), ("rules", "late"), ("rules", [""]), ("rules", ["\0"]),
        ("text", "{rule}\0"), ("rules", ["x"] * 51),
        ("rules", [str(number) for number in range(51)]), ("tags", ["x" * 201]),
        ("changes", "opened"), ("changes", ["opend"]), ("repeat", "8d"), ("gap", "fast"),
        ("daily", 0), ("daily", True), ("daily", 10_001), ("quiet", "22-07"),
        ("quiet", "25:00-07:00 UTC"), ("quiet", "07:00-07:00 UTC"), ("quiet", "22:00-07:00 Mars"),
        ("escalate_to", "a b"), ("title", "{wat}"), ("text", "{"), ("text", " "), ("color", "red"),
    ],
)  # fmt: skip
def test_an_option_that_is_wrong_is_refused_by_its_name(option: str, value: Any) -> None:
    if option == "rules" and value == ["x"] * 51:
        assert read_options({option: value}).rules == ("x",)
        return
    with pytest.raises(InvalidInput) as refused:
        read_options({option: value})

    assert refused.value.field == option


def test_an_option_that_is_taken_back_has_its_default_and_others_stay() -> None:
    before = read_options({"rules": ["late"], "repeat": "90m", "severity": "critical"})

    after = read_options({"rules": None}, before)

    assert after == Options(repeat="1h30m", severity=Severity.CRITICAL)


def test_escalation_is_given_whole_or_not_at_all() -> None:
    for given_, missing in (("escalate_after", "escalate_to"), ("escalate_to", "escalate_after")):
        with pytest.raises(InvalidInput) as refused:
            read_options({given_: "15m" if given_ == "escalate_after" else "boss"})
        assert refused.value.field == missing


@pytest.mark.parametrize(
    "template", ["{rule.__class__}", "{rule[0]}", "{rule!r}", "{rule:>9}", "{0}", "{}", "}"]
)
def test_a_template_reaches_nothing_but_its_fields(template: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_template("text", template)

    assert refused.value.field == "text"


def test_a_wrong_field_is_told_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(InvalidInput, match="'severty', which is no field; did you mean 'severity'"):
        check_template("title", "{severty}")


@given(st.text(min_size=1, max_size=50), st.sampled_from(sorted(FIELDS)))
def test_what_is_filled_in_is_taken_as_it_is(value: str, name: str) -> None:
    template = check_template("text", f"a {{{{{name}}}}} b {{{name}}}")

    assert template is not None
    assert fill(template, {name: value}) == f"a {{{name}}} b {value}"


def test_a_template_of_which_nothing_comes_is_told() -> None:
    with pytest.raises(InvalidInput, match="nothing comes of it"):
        fill("{note}", {"note": " "})


def test_of_its_own_trouble_a_channel_does_not_hear_but_some_other_does() -> None:
    ops, mail, pager = (
        replace(CHANNEL, id=name, name=name, options=Options(severity=least))
        for name, least in (
            ("ops", Severity.INFO), ("mail", Severity.ERROR), ("pager", Severity.CRITICAL),
        )
    )  # fmt: skip

    assert hearers([ops, mail, pager], trouble("ops")) == {"mail"}
    assert hearers([ops, pager], trouble("ops")) == {"pager"}
    assert hearers([ops], trouble("ops")) == set()
    assert hearers([pager], replace(trouble("ops"), kind=Kind.TASK)) == set()


def trouble(name: str) -> Incident:
    """An incident of a channel."""
    return Incident(
        id="1", rule="channel-deliveries", kind=Kind.CHANNEL, subject=name, name=name,
        severity=Severity.ERROR, state=State.OPEN, opened_at=NOW, seen_at=NOW, seen=1, reopened=0,
        flapping=False, state_at=NOW, state_by="judge", facts=Facts(what="", since=NOW),
    )  # fmt: skip


def test_what_failed_is_tried_later_each_time_and_then_no_more() -> None:
    again = Came(verdict=Verdict.AGAIN, error="500")
    waits = []
    for attempt in range(1, len(DELAYS) + 1):
        settled = settle(CHANNEL, attempt, again, NOW, random.Random(1))
        assert settled.due_at is not None
        waits.append(settled.due_at - NOW)
    last = settle(CHANNEL, len(DELAYS) + 1, again, NOW, random.Random(1))

    assert waits == sorted(waits)
    assert all(DELAYS[n] <= wait <= DELAYS[n] * 1.1 for n, wait in enumerate(waits))
    assert last.state is NoticeState.FAILED


def test_a_receiver_is_left_alone_as_long_as_it_asks_within_bounds() -> None:
    for asked, given_ in ((timedelta(minutes=5),) * 2, (timedelta(days=9), LONGEST_ASKED)):
        came = Came(verdict=Verdict.AGAIN, error="429", retry_after=asked)
        settled = settle(CHANNEL, 1, came, NOW, random.Random(1))
        assert settled.quiet_until == settled.due_at == NOW + given_


@pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.GONE])
def test_what_is_refused_is_not_tried_again(verdict: Verdict) -> None:
    settled = settle(CHANNEL, 1, Came(verdict=verdict, error="no"), NOW, random.Random(1))

    assert (settled.state, settled.due_at) == (NoticeState.FAILED, None)
