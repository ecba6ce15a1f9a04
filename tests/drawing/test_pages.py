"""A report as a page: it needs nothing else, and nothing of what it tells is taken for markup."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from onbeat.domain.failures import FailureGroup, Failures, Fingerprint
from onbeat.domain.health import Kind, Tally, Took, begins, bucket_of
from onbeat.domain.jobs import JobId
from onbeat.domain.objectives import Budget, Decided, Objective
from onbeat.domain.reports import Compared, Point, Report, Span, read_span
from onbeat.drawing import charts
from onbeat.drawing.page import page
from onbeat.drawing.reports import ReportFormat, written
from onbeat.drawing.words import lasting, points, share, short
from tests.timing import START

NASTY = "<script>alert(1)</script>\x00\ud800\x1b[31m\"'&"
TOOK = Took({bucket_of(timedelta(seconds=each)): each for each in (1, 3, 9)})


def tally(completed: int = 9, failed: int = 1, **said: Any) -> Tally:
    return Tally(completed=completed, failed=failed, attempts=completed + failed, took=TOOK, **said)


def reported(name: str = "send", **changed: Any) -> Report:
    """A report of one task, made at the start of time."""
    span = read_span(START, START, timedelta(days=7))
    steps = [begins(span.since, span.step) + each * span.step for each in (0, 1, 5)]
    group = FailureGroup(
        fingerprint=Fingerprint(name, name, None), number=3, final=1, tasks={name: 3},
        first_at=START, last_at=START, example=JobId("0" * 32), text=f"ValueError: {name}",
    )  # fmt: skip
    budget = Budget(kind=Kind.TASK, name=name, objective=Objective(changed_by="ann"), since=START,
                    decided=Decided(9, 1), recent=(Decided(), Decided(1, 1)))  # fmt: skip
    values: dict[str, Any] = {
        "kind": Kind.TASK, "made_at": START, "span": span, "folded_to": START,
        "whole": Compared(name=None, now=tally(), before=tally(8, 2), share=1.0),
        "points": [Point(at, tally(cancelled=2)) for at in steps],
        "rows": [Compared(name=name, now=tally(), before=Tally(), share=1.0)],
        "is_cut": False, "untimed": 0, "budgets": [budget],
        "failures": Failures(since=span.since, until=START, looked_at=3, oldest_at=START,
                             is_exact=False, groups=[group], untold=2),
    }  # fmt: skip
    return Report(**values | changed)


EMPTY = reported(
    whole=Compared(name=None, now=Tally(), before=Tally(), share=1.0), points=[], rows=[],
    budgets=[], folded_to=None,
    failures=Failures(since=START, until=START, looked_at=0, oldest_at=None, is_exact=True,
                      groups=[], untold=0),
)  # fmt: skip


class Reading(HTMLParser):
    """What elements a page has, which are open, and what text."""

    VOID = frozenset({"meta", "wbr", "br"})

    def __init__(self, whole: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(whole.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "report", [reported(), EMPTY, reported(NASTY)], ids=["some", "none", "bad"]
)
def test_a_page_asks_for_nothing_and_runs_nothing(report: Report) -> None:
    read = Reading(page(report, with_errors=True))

    assert read.open == []
    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    attributes = {name for _, given in read.tags for name in given}
    assert not attributes & {"style", "src", "href", "srcset", "action"}
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"@import|url\(|https?://", page(report, with_errors=True).decode())


def test_its_policy_lets_its_style_sheet_through_and_nothing_else() -> None:
    whole = page(reported(), with_errors=True).decode()

    style = re.search(r"<style>(.*?)</style>", whole, re.S)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', whole)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_what_is_told_stays_text() -> None:
    read = Reading(page(reported(NASTY), with_errors=True))

    assert "<script>alert(1)</script>" in read.text
    assert not re.search(r"[\x00\x1b\ud800]", read.text)


def test_what_errors_say_is_told_only_to_those_who_may_see_it() -> None:
    report = reported("secret-order")

    for form in (ReportFormat.HTML, ReportFormat.JSON):
        assert b"ValueError: secret-order" in written(report, form, with_errors=True)
        assert b"ValueError: secret-order" not in written(report, form, with_errors=False)


def test_the_page_says_what_was_left_out() -> None:
    read = Reading(page(reported(is_cut=True, untimed=1), with_errors=True))

    for told in ("newest 3 failures", "2 more kinds", "Only the 1 with the most", "1 with the few"):
        assert told in read.text


def test_in_csv_there_is_a_line_for_all_and_for_each_and_no_formula() -> None:
    text = written(reported("=cmd"), ReportFormat.CSV, with_errors=True).decode()

    titles, whole, row = csv.reader(io.StringIO(text))
    assert (whole[0], row[0], row[1]) == ("all", "task", "'=cmd")
    told = dict(zip(titles, row, strict=True))
    assert (told["completed"], told["success_rate"], told["objective_target"]) == (
        "9",
        "0.9",
        "0.99",
    )
    assert dict(zip(titles, whole, strict=True))["rate_points"] == "10.0"


SPAN = Span(since=START, until=START + timedelta(hours=10), before=START - timedelta(hours=10),
            of=timedelta(hours=1), step=timedelta(hours=1))  # fmt: skip


def at(hour: int, value: Tally) -> Point:
    return Point(START + timedelta(hours=hour), value)


def test_a_line_is_apart_where_nothing_ended() -> None:
    drawn = [at(hour, tally()) for hour in (0, 1, 2, 5, 6, 9)]

    chart = charts.rates(drawn, SPAN, 0.99)

    lines = [each.get("points", "").split() for each in chart.iter("polyline")]
    assert [len(each) for each in lines] == [3, 2]
    assert len(list(chart.iter("circle"))) == 1


def test_outcomes_stand_one_above_the_other_within_the_plot() -> None:
    drawn = [at(3, tally(600, 250, cancelled=150))]

    bars = list(charts.volumes(drawn, SPAN).iter("rect"))

    assert [each.get("class") for each in bars] == ["completed", "failed", "cancelled"]
    tops = [float(each.get("y", 0)) for each in bars]
    feet = [top + float(each.get("height", 0)) for top, each in zip(tops, bars, strict=True)]
    assert feet[1:] == [pytest.approx(top, abs=0.2) for top in tops[:-1]]
    assert (tops[-1], feet[0]) == (charts.TOP, charts.HEIGHT - charts.BOTTOM)


@pytest.mark.parametrize("took", [Took(), Took({bucket_of(timedelta(seconds=1)): 1}),
                                  Took({bucket_of(timedelta(microseconds=1)): 1,
                                        bucket_of(timedelta(days=30)): 1})])  # fmt: skip
def test_run_times_of_any_length_lie_within_the_plot(took: Took) -> None:
    chart = charts.durations([at(1, Tally(completed=1, took=took)), at(2, tally())], SPAN)

    places = [place.split(",") for line in chart.iter("polyline")
              for place in line.get("points", "").split()]  # fmt: skip
    assert all(0 <= float(x) <= charts.WIDTH and 0 <= float(y) <= charts.HEIGHT for x, y in places)
    assert len(list(chart.iter("text"))) < 10


@pytest.mark.parametrize(
    ("part", "told"),
    [(1.0, "100 %"), (0.99999, "99.99 %"), (0.999, "99.9 %"), (0.0, "0 %"), (0.00001, "0.01 %"),
     (None, "–")],  # noqa: RUF001 - a dash in a table
)  # fmt: skip
def test_a_share_is_never_rounded_to_all_or_nothing(part: float | None, told: str) -> None:
    assert share(part) == told


def test_figures_are_told_in_few_digits() -> None:
    took = [lasting(timedelta(seconds=each)) for each in (0.0123, 1.5, 75, 7200, 200_000)]
    assert took == ["12.3 ms", "1.5 s", "1.2 min", "2 h", "2.3 d"]
    assert [short(each) for each in (0, 12, 1500, 2_000_000)] == ["0", "12", "1.5k", "2M"]
    assert [points(each) for each in (1.25, -0.5, None)] == ["+1.25 pt", "-0.5 pt", "–"]  # noqa: RUF001
