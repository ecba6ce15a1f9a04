"""A report as one page that needs nothing else: no script, no address of another's, no file beside.

Its policy stands in it, and goes with it over HTTP: the one style sheet is known by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from onbeat.domain.durations import format_duration
from onbeat.domain.failures import FailureGroup, Failures
from onbeat.domain.health import Kind
from onbeat.domain.objectives import DEFAULT_TARGET, Budget
from onbeat.domain.reports import Compared, Point, Report
from onbeat.drawing import charts
from onbeat.drawing.elements import Content, el, html
from onbeat.drawing.words import NONE, lasting, moment, number, points, share, times

STYLE = (files("onbeat.drawing") / "report.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
"""What the page may load: nothing, but its own style sheet (CSP Level 3)."""

MOST_BUDGETS = 30
"""Objectives that the page shows: those with the least left, all that somebody set among them."""

MOST_SHOWN = 20
"""Groups of failures that the page shows."""

PLURAL = {Kind.TASK: "tasks", Kind.SCHEDULE: "schedules", Kind.QUEUE: "queues"}


def page(report: Report, *, with_errors: bool) -> bytes:
    """The page; what errors say only `with_errors`."""
    main = el("main", *_sections(report, with_errors=with_errors))
    return html(el("html", _head(report), el("body", main), lang="en"))


def _head(report: Report) -> Element:
    title = f"Onbeat report, {moment(report.span.since)} to {moment(report.span.until)} UTC"
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="robots", content="noindex"),
        el("title", title),
        el("style", STYLE),
    )


def _sections(report: Report, *, with_errors: bool) -> Iterator[Content]:
    yield from _heading(report)
    yield _tiles(report.whole)
    yield _plots(report)
    yield _points(report.points)
    yield from _worst(report)
    yield from _failures(report.failures, with_errors=with_errors)
    yield from _budgets(report)
    yield from _rows(report)


def _heading(report: Report) -> Iterator[Element]:
    span = report.span
    yield el("h1", "Onbeat report")
    yield el(
        "p", f"{moment(span.since)} to {moment(span.until)} UTC, compared with the time from "
        f"{moment(span.before)} on until then. Made {moment(report.made_at)}.", class_="quiet",
    )  # fmt: skip
    if report.folded_to is None:
        yield el("p", "Nothing was counted yet: a scheduler, a worker or an API must run to count "
                 "what ends.", class_="note")  # fmt: skip


def _tiles(whole: Compared) -> Element:
    trend, now = whole.trend, whole.now
    per_job = NONE if whole.attempts_per_job is None else f"{whole.attempts_per_job:.2f}"
    return el(
        "div",
        _tile("Jobs ended", number(now.ended), f"{times(trend.volume_ratio)} against before"),
        _tile("Success rate", share(now.success_rate),
              f"{points(trend.rate_points)} against before"),
        _tile("Failed", number(now.failed), f"{number(whole.before.failed)} before"),
        _tile("Run time, p95", lasting(now.took.quantile(0.95)),
              f"{times(trend.p95_ratio)} against before"),
        _tile("Attempts per job", per_job, f"{number(now.attempts)} in all"),
        class_="tiles",
    )  # fmt: skip


def _tile(name: str, figure: str, beside: str) -> Element:
    return el("div", el("span", name), el("b", figure), el("span", beside), class_="tile")


def _plots(report: Report) -> Element:
    drawn, span = report.points, report.span
    return el(
        "div",
        _plot("Success rate", charts.rates(drawn, span, DEFAULT_TARGET),
              ("rate", "completed of decided"), ("aim", f"{share(DEFAULT_TARGET)} (default)")),
        _plot(f"Jobs ended, each {format_duration(span.step)}", charts.volumes(drawn, span),
              *((each, each) for each in charts.OUTCOMES)),
        _plot("Run time of what completed", charts.durations(drawn, span),
              ("p50", "p50"), ("p95", "p95")),
        class_="plots",
    )  # fmt: skip


def _plot(title: str, chart: Element, *legend: tuple[str, str]) -> Element:
    items = [el("li", text, class_=name) for name, text in legend]
    return el("figure", el("h3", title), chart, el("ul", *items, class_="legend"), class_="plot")


def _points(drawn: Sequence[Point]) -> Element:
    """The same as figures, for those who cannot see the plots."""
    rows = [
        el("tr", el("th", moment(each.at), scope="row"), *_numbers(
            number(each.tally.completed), number(each.tally.failed), number(each.tally.cancelled),
            share(each.tally.success_rate), lasting(each.tally.took.quantile(0.5)),
            lasting(each.tally.took.quantile(0.95)),
        ))
        for each in drawn
    ]  # fmt: skip
    titles = ("From", "Completed", "Failed", "Cancelled", "Success", "p50", "p95")
    return el("details", el("summary", "The plots as figures"),
              _table("The plots as figures", titles, rows))  # fmt: skip


def _table(name: str, titles: Sequence[str], rows: Iterable[Element], texts: int = 1) -> Element:
    """A table that can be moved sideways where there is no room; `texts` columns are no numbers."""
    heads = [
        el("th", each, scope="col", **({} if at < texts else {"class_": "n"}))
        for at, each in enumerate(titles)
    ]
    whole = el("table", el("thead", el("tr", *heads)), el("tbody", *rows))
    return el("div", whole, class_="wide", role="region", tabindex="0", aria_label=name)


def _numbers(*cells: str) -> Iterator[Element]:
    return (el("td", each, class_="n") for each in cells)


def _name(name: str | None) -> Element:
    return el("th", *_breakable(name or "(not there any more)"), scope="row")


def _breakable(name: str) -> Iterator[Content]:
    """A name that may go on in the next line where one would break it."""
    for piece in re.split(r"(?<=[._/:-])(?=\w)", name):
        yield piece
        yield el("wbr")


def _worst(report: Report) -> Iterator[Element]:
    plural = PLURAL[report.kind]
    yield el("h2", f"Worst {plural}")
    if not report.worst:
        yield el("p", f"None of the {plural} failed.", class_="note")
        return
    rows = [
        el("tr", _name(each.name), *_numbers(
            share(each.now.success_rate), points(each.trend.rate_points), number(each.now.failed),
            number(each.now.ended), lasting(each.now.took.quantile(0.95)),
        ))
        for each in report.worst
    ]  # fmt: skip
    titles = (report.kind.capitalize(), "Success", "Trend", "Failed", "Jobs", "p95")
    yield _table(f"Worst {plural}", titles, rows)


def _failures(failures: Failures, *, with_errors: bool) -> Iterator[Element]:
    yield el("h2", "Top failures")
    if not failures.groups:
        yield el("p", "No attempt failed.", class_="note")
        return
    if not failures.is_exact:
        yield el("p", f"Of the newest {number(failures.looked_at)} failures, since "
                 f"{moment(failures.oldest_at)}; there are older ones.", class_="note")  # fmt: skip
    rows = [_group(each, with_errors=with_errors) for each in failures.groups[:MOST_SHOWN]]
    titles = ("Error", "Tasks", "Attempts", "For good", "First", "Last")
    yield _table("Top failures", titles, rows, texts=2)
    untold = len(failures.groups) - len(rows) + failures.untold
    if untold:
        yield el("p", f"{number(untold)} more kinds of failure are not shown.", class_="note")


def _group(group: FailureGroup, *, with_errors: bool) -> Element:
    place = group.fingerprint.place
    what = el(
        "td", el("b", *_breakable(group.fingerprint.type)),
        *(() if place is None else (" at ", *_breakable(place))),
        el("code", group.text) if with_errors else None,
        el("code", f"last in job {group.example}"), class_="what",
    )  # fmt: skip
    tasks = [
        part
        for task, count in group.tasks.items()
        for part in (*_breakable(task), f" ({number(count)})", el("br"))
    ]
    return el(
        "tr", what, el("td", *tasks, class_="tasks"),
        *_numbers(number(group.number), number(group.final), moment(group.first_at),
                  moment(group.last_at)),
    )  # fmt: skip


def _budgets(report: Report) -> Iterator[Element]:
    yield el("h2", "Objectives")
    if not report.budgets:
        yield el("p", "There are none yet.", class_="note")
        return
    order = sorted(report.budgets, key=_by_need)
    titles = (report.kind.capitalize(), "Objective", "Success", "May fail", "Failed", "Left",
              "Budget left", "Burn rate 1 h", "Burn rate 6 h")  # fmt: skip
    yield _table("Objectives", titles, map(_budget, order[:MOST_BUDGETS]), texts=2)
    if len(order) > MOST_BUDGETS:
        yield el("p", f"{number(len(order) - MOST_BUDGETS)} more have more left.", class_="note")
    yield el("p", "At a burn rate of 1 the budget is used up just when its window is over.",
             class_="note")  # fmt: skip


def _by_need(budget: Budget) -> tuple[bool, float]:
    left = budget.left_share
    return budget.objective.is_default, 1.0 if left is None else left


def _budget(budget: Budget) -> Element:
    said, decided = budget.objective, budget.decided
    objective = f"{share(said.target)} over {format_duration(said.window)}"
    left = share(budget.left_share)
    if not budget.is_met:
        left = f"spent {times(decided.failed / budget.allowed)}"
    burns = (NONE if each is None else f"{each:.3g}" for each in budget.burn_rates)
    rate = decided.completed / decided.number if decided.number else None
    return el(
        "tr", _name(budget.name),
        el("td", objective + (" (default)" if said.is_default else "")),
        *_numbers(share(rate), number(budget.allowed), number(decided.failed),
                  number(budget.left)),
        el("td", left, class_="n" if budget.is_met else "n bad"),
        *_numbers(*burns),
    )  # fmt: skip


def _rows(report: Report) -> Iterator[Element]:
    plural = PLURAL[report.kind]
    yield el("h2", f"All {plural}")
    slowest = [each.name for each in report.slowest if each.name][:3]
    if slowest:
        yield el("p", f"The slowest: {', '.join(slowest)}.", class_="note")
    rows = [
        el("tr", _name(each.name), *_numbers(
            number(each.now.ended), times(each.trend.volume_ratio), share(each.now.success_rate),
            points(each.trend.rate_points),
            NONE if each.attempts_per_job is None else f"{each.attempts_per_job:.2f}",
            *(lasting(each.now.took.quantile(part)) for part in (0.5, 0.95, 0.99)),
            times(each.trend.p95_ratio),
        ))
        for each in report.rows
    ]  # fmt: skip
    titles = (report.kind.capitalize(), "Jobs", "Jobs trend", "Success", "Success trend",
              "Attempts per job", "p50", "p95", "p99", "p95 trend")  # fmt: skip
    yield _table(f"All {plural}", titles, rows)
    if report.is_cut:
        yield el("p", f"Only the {len(rows)} with the most jobs are shown.", class_="note")
    if report.untimed:
        yield el("p", f"Of the {report.untimed} with the fewest jobs it was not looked how long "
                 "runs took; give a shorter window.", class_="note")  # fmt: skip
