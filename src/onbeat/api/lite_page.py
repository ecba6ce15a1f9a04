"""What `/lite` says, as a tree of elements: a text stays a text, whatever is in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from onbeat.domain.durations import format_duration
from onbeat.domain.incidents import Incident
from onbeat.domain.queues import COUNT_LIMIT, Queue
from onbeat.domain.schedules import Schedule
from onbeat.domain.workers import Session
from onbeat.drawing.elements import el, html

MOST = 10
"""Runs to come, and incidents, that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How all is; None where who asks may not know it."""

    now: datetime
    name: str
    environment: str | None
    counts: Sequence[tuple[str, str]] | None
    incidents: Sequence[tuple[Incident, str]] | None
    """Those that are not resolved, each with what it says."""
    queues: Sequence[Queue] | None
    schedules: Sequence[Schedule] | None
    workers: Sequence[Session] | None


def standing_page(standing: Standing, csrf: str | None) -> bytes:
    """How all is; with a token, a button that signs out."""
    return _page(
        "Onbeat" if standing.environment is None else f"Onbeat: {standing.environment}",
        el("p", _sentence(standing), class_="sentence"),
        _part("Jobs", standing.counts is not None, _counts(standing.counts or ())),
        _part("Incidents", standing.incidents is not None, _incidents(standing)),
        _part("Queues", standing.queues is not None, _queues(standing)),
        _part("Next runs", standing.schedules is not None, _next_runs(standing)),
        _part("Workers", standing.workers is not None, _workers(standing)),
        el("p", f"As of {_moment(standing.now)}, seen by {standing.name}. ",
           el("a", "Read it anew", href="lite"), " · ", el("a", "All pages", href="./"),
           class_="quiet"),
        None if csrf is None else _form("Sign out", "sign-out", csrf),
    )  # fmt: skip


def sign_in_page(wrong: str | None, csrf: str, *, is_first: bool = False) -> bytes:
    """A form for name and password; what was wrong with the last ones stands above it."""
    return _page(
        "Onbeat: sign in",
        None if wrong is None else el("p", wrong, class_="wrong", role="alert"),
        _first_start() if is_first else None,
        _form(
            "Sign in", "sign-in", csrf,
            el("label", "Name", for_="name"),
            el("input", id="name", name="name", autocomplete="username", autocapitalize="none",
               required="required"),
            el("label", "Password", for_="password"),
            el("input", id="password", name="password", type="password",
               autocomplete="current-password", required="required"),
        ),
    )  # fmt: skip


def refused_page(told: str) -> bytes:
    """Why there is nothing to show."""
    again = el("p", el("a", "Try again", href="lite"))
    return _page("Onbeat", el("p", told, class_="wrong", role="alert"), again)


def _first_start() -> Element:
    return el(
        "p", "Nobody can sign in yet: open the link that the start of Onbeat printed, or on the "
        "server: ", el("code", "onbeat users create NAME --role admin --password"),
    )  # fmt: skip


def _page(title: str, *content: Element | None) -> bytes:
    viewport = el("meta", name="viewport", content="width=device-width, initial-scale=1")
    scheme = el("meta", name="color-scheme", content="light dark")
    style = el("link", rel="stylesheet", href="lite.css")
    head = el("head", el("meta", charset="utf-8"), viewport, scheme, el("title", title), style)
    return html(el("html", head, el("body", el("main", el("h1", title), *content)), lang="en"))


def _form(name: str, does: str, csrf: str, *fields: Element) -> Element:
    hidden = el("input", type="hidden", name="csrf", value=csrf)
    button = el("button", name, type="submit", name="do", value=does)
    return el("form", hidden, *fields, button, method="post", action="lite")


def _part(title: str, may: bool, content: Element) -> Element:  # noqa: FBT001 - of this page alone
    shown = content if may else el("p", "You may not see this.", class_="quiet")
    return el("section", el("h2", title), shown)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> Element:
    if not rows:
        return el("p", nothing, class_="quiet")
    head = el("tr", *(el("th", name, scope="col") for name in names))
    body = [el("tr", *(el("td", cell) for cell in row)) for row in rows]
    return el("div", el("table", el("thead", head), el("tbody", *body)), class_="wide")


def _counts(counts: Sequence[tuple[str, str]]) -> Element:
    return _table(("State", "Jobs"), counts, "There was no job yet.")


def _incidents(standing: Standing) -> Element:
    rows = [
        (each.severity, said, each.state, _since(each.opened_at, standing.now))
        for each, said in (standing.incidents or ())
    ]
    return _table(("How bad", "What", "State", "Opened"), rows, "None is open.")


def _queues(standing: Standing) -> Element:
    rows = [
        (
            each.name, _count(each.pending), _count(each.running), _count(each.delayed),
            "-" if each.oldest_at is None else _since(each.oldest_at, standing.now),
            "" if each.paused_at is None else f"paused by {each.paused_by}",
        )
        for each in (standing.queues or ())
    ]  # fmt: skip
    names = ("Queue", "Pending", "Running", "Later", "Oldest waits since", "")
    return _table(names, rows, "No queue has had a job.")


def _next_runs(standing: Standing) -> Element:
    rows = [
        (each.name, each.task, _moment(each.next_due_at), _since(each.next_due_at, standing.now))
        for each in (standing.schedules or ())
        if each.next_due_at is not None
    ]
    return _table(("Schedule", "Task", "When", ""), rows, "Nothing is due.")


def _workers(standing: Standing) -> Element:
    rows = [
        (
            each.instance, f"{each.running} / {each.slots}", ", ".join(each.queues),
            "-" if each.heartbeat_at is None else _since(each.heartbeat_at, standing.now),
            "ends" if each.draining else "paused" if each.paused else "at work",
        )
        for each in (standing.workers or ())
    ]  # fmt: skip
    names = ("Worker", "Slots", "Queues", "Heard of", "State")
    return _table(names, rows, "No worker is at work: run `onbeat worker`.")


def _sentence(standing: Standing) -> str:
    """Whether all is well, as far as who asks may know."""
    told = []
    if standing.incidents:
        number = len(standing.incidents)
        more = " or more" if number == MOST else ""
        told.append(f"{number}{more} open incident{'' if number == 1 else 's'}")
    if standing.workers is not None and not standing.workers:
        told.append("no worker is at work")
    paused = [each.name for each in (standing.queues or ()) if each.paused_at is not None]
    if paused:
        told.append(f"paused: {', '.join(paused)}")
    return f"{'; '.join(told)}." if told else "All is well."


def _count(number: int) -> str:
    return f"{number:,}+" if number >= COUNT_LIMIT else f"{number:,}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _since(at: datetime, now: datetime) -> str:
    """How long ago, or until then, to the second."""
    told = format_duration(type(now - at)(seconds=round(abs(now - at).total_seconds())))
    return f"in {told}" if at > now else f"{told} ago"
