"""D3 to D7, D11: what goes wrong, what heals itself, who is told, and that it is over."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from examples.cron_tracking.moving import LOOP
from examples.cron_tracking.walk import DONE, HISTORY, MADE, Walk
from examples.showing.person import API

WORKER = ("worker", "--app", "examples.cron_tracking.after.app:ob", "--queues", "attic")
ATTIC = "attic-worker"

RULES: tuple[dict[str, Any], ...] = (
    {"name": "backup-failed", "condition": "failed", "kind": "schedule",
     "schedules": ["shop:backup*"], "severity": "critical"},
    {"name": "orders-fail", "condition": "failure-rate", "kind": "schedule",
     "schedules": ["shop:export_orders*"], "share": 0.2, "least": 4, "severity": "error"},
    {"name": "commands-fail", "condition": "failure-rate", "tasks": ["shell"], "share": 0.9},
    {"name": "digest-slow", "condition": "slow", "tasks": ["send_digest"],
     "longer_than": "200ms", "least": 3, "severity": "info"},
    {"name": "books-stale", "condition": "stale", "schedules": ["close_books"],
     "longer_than": "5s", "severity": "error"},
    {"name": "attic-silent", "condition": "silent", "tasks": ["pack_archive"],
     "longer_than": "5s", "severity": "error"},
)  # fmt: skip
"""Thresholds of jobs of their own. That the bank's rates fail three times in a row takes none: the
rule `in-a-row` comes with Onbeat. All lines of a crontab are one task, `shell`: where a fifth of
them fails that would be told, and the line that does it would not.
"""

PATIENT = {"longer_than": "30s"}
"""Of the rule `database`: a demo shares its machine, and while the database is slow nothing else is
told.
"""

ALERTS = {
    "D5": {"backup-failed": "a failure of a critical job", "in-a-row": "three failures in a row",
           "orders-fail": "a failure rate over 20 %", "digest-slow": "runs that take too long"},
    "D4": {"books-stale": "due, and no success since", "attic-silent": "running, and no heartbeat"},
}  # fmt: skip

SOON = {"group_wait": "1s", "group_interval": "1s", "gap": "0s"}
"""The usual half minute of waiting for others would be half of this demo."""


CHANNELS: dict[str, dict[str, Any]] = {
    "pager": {"severity": "critical", "names": ["nothing-by-itself"]},
    "bank-team": {"tasks": ["refresh_rates"], "title": "BANK {severity}: {what}"},
    "ops": {"severity": "info", "escalate_after": "1s", "escalate_to": "pager"},
}
"""Who hears of what; the pager of what is escalated alone."""


async def set_up(walk: Walk) -> None:
    """Three channels in Slack, and rules for jobs that have limits of their own."""
    for name, options in CHANNELS.items():
        body = {"name": name, "kind": "slack", "url": walk.hook.slack(name)}
        await walk.post(f"{API}/channels", {**body, "options": {**SOON, **options}})
    made = [(await walk.post(f"{API}/rules", each)).status for each in RULES]
    await walk.change(f"{API}/rules/database", PATIENT)
    walk.board.note("D2", "jobs have alert thresholds of their own", seen={*made} == {MADE})
    tested = await walk.post(f"{API}/channels/ops/test")
    seen = tested.status == DONE and walk.hook.heard("ops", "blocks") == 1
    walk.board.note("D6", "a channel in Slack is tried, and hears of it", seen=seen)


async def make_trouble(walk: Walk) -> None:
    """A backup without room, a queue that was paused and forgotten, a worker that dies."""
    walk.board.tell("", "trouble: no room, a forgotten pause, a dead worker")
    triggered = await walk.act(walk.name("backup"), "trigger")
    walk.board.note("D8", "a job is triggered by hand", seen=triggered.status == MADE)
    await walk.post(f"{API}/queues/reports/pause")
    walk.shop.begin(ATTIC, *WORKER)
    made = await walk.post(f"{API}/jobs", {"task": "pack_archive"})
    job = str(made.said["id"])

    async def is_running() -> bool:
        found = await walk.get(f"{HISTORY}/{job}")
        return found["status"] == "running" and found["lastHeartbeat"] is not None

    await walk.board.expect("D2", "a run that goes on has a heartbeat", is_running)
    walk.shop.kill(ATTIC)


async def see_classes(walk: Walk) -> None:
    """D3, D11: what is transient heals itself, what is not is not tried again, a breaker opens."""

    async def has_healed() -> bool:
        done = await walk.runs(f"job={LOOP}&status=completed")
        return any(each["attempt"] > 1 for each in done)

    await walk.board.expect("D3", "a transient failure is tried again, with backoff", has_healed)
    walk.board.note("D11", "a transient failure heals itself", seen=await has_healed())
    made = await walk.post(f"{API}/jobs", {"task": "import_reviews", "args": {"file": "nowhere"}})
    job = str(made.said["id"])

    async def is_permanent() -> bool:
        found = await walk.get(f"{HISTORY}/{job}")
        return (found["status"], found["attempt"], found["maxAttempts"]) == ("failed", 1, 3)

    await walk.board.expect("D3", "a permanent one is not: one attempt of three", is_permanent)

    async def is_open() -> bool:
        return bool((await walk.get(f"{API}/breakers/bank"))["state"] != "closed")

    await walk.board.expect("D3", "a breaker leaves the bank alone after five failures", is_open)


async def see_alerts(walk: Walk) -> None:
    """D4, D5: each is an incident, and Slack hears of those that are not over by then."""
    for row, rules in ALERTS.items():
        for rule, what in rules.items():
            await walk.board.expect(row, f"{what}: {rule}", partial(_is_told, walk, rule))
    await _see_what_it_says(walk)


async def _is_told(walk: Walk, rule: str) -> bool:
    found = await walk.incident(rule, "open", "acknowledged", "resolved")
    if found is None:
        return False
    return found["state"] == "resolved" or walk.hook.heard("ops", found["name"]) > 0


async def _see_what_it_says(walk: Walk) -> None:
    """The message helps whoever reads it; it came once, to whom it concerns."""
    found = await walk.incident("in-a-row", "open")
    says = walk.hook.heard("ops", "refresh_rates", "connection refused", "onbeat ") > 0
    walk.board.note("D5", "it says the last error, and what to try",
                    seen=says and bool(found and found["facts"]["to_try"]))  # fmt: skip
    failed = await walk.runs("job=refresh_rates&status=failed&limit=500")
    told = walk.hook.heard("bank-team", "BANK error: ")
    walk.board.note("D6", f"{len(failed)} failures of one job are one message: {told}",
                    seen=told == 1 and len(failed) > 3)  # fmt: skip
    await walk.board.expect("D5", "a critical one that nobody sees to is escalated",
                      partial(_is_heard, walk, "pager", "backup"))  # fmt: skip
    others = len(walk.hook.texts("bank-team")) - walk.hook.heard("bank-team", "refresh_rates")
    walk.board.note("D6", "a channel hears of what it is for, by its template",
                    seen=told == 1 and others == 0)  # fmt: skip
    await _see_to_it(walk)

    async def sentry_knows() -> bool:
        return any(
            each.get("tags", {}).get("task") == "refresh_rates" and each.get("breadcrumbs")
            for each in walk.hook.events
        )

    await walk.board.expect("D7", "Sentry has the error, with tags and breadcrumbs", sentry_knows)


async def _is_heard(walk: Walk, channel: str, *words: str) -> bool:
    return walk.hook.heard(channel, *words) > 0


async def _see_to_it(walk: Walk) -> None:
    """Somebody acknowledges it, and it counts."""
    found = await walk.incident("in-a-row", "open")
    if found is not None:
        await walk.post(f"{API}/incidents/{found['id']}/acknowledge", {"note": "on it"})

    async def is_counted() -> bool:
        rows = await walk.desk.listed(f"{API}/channels/stats")
        return any(each["rule"] == "in-a-row" and each["seen"] for each in rows)

    await walk.board.expect("D6", "how much of what was told was seen to is counted", is_counted)


async def mend(walk: Walk) -> None:
    """All is as it should be, and the incidents close by themselves."""
    walk.board.tell("", "mended")
    walk.shop.mend()
    walk.shop.begin(ATTIC, *WORKER)
    await walk.post(f"{API}/queues/reports/resume")
    await walk.post(f"{API}/breakers/bank/close")
    await walk.act(walk.name("backup"), "trigger")
    began = time.monotonic()
    for rule in ("books-stale", "attic-silent", "in-a-row"):
        await walk.board.expect("D5", f"{rule} is over by itself", partial(_is_over, walk, rule))
    walk.board.tell("", f"recovered {time.monotonic() - began:.0f} s after it was mended")
    await walk.board.expect("D6", "Slack hears that it is over",
                      partial(_is_heard, walk, "bank-team", "Lasted"))  # fmt: skip


async def _is_over(walk: Walk, rule: str) -> bool:
    return await walk.incident(rule, "resolved") is not None
