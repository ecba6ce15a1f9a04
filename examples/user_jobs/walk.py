"""What users do, step by step over HTTP; each function is a row of the table in README.md."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from examples.showing.person import API, SCHEDULES, Person
from examples.user_jobs.board import QUEUES, Ends
from examples.user_jobs.receiver import Receiver

LOOK_EVERY = 0.1
TIMES, KEPT = 3, 2
FOR_USERS = ("remind", "report")
NOBODY, NOT_THERE, WRONG, MADE, DONE = 401, 404, 400, 201, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Who takes part."""

    amy: Person
    bob: Person
    desk: Person
    """The team's admin."""
    nobody: Person
    password: str
    """Amy's, for the web UI."""
    receiver: Receiver
    board: Ends


async def walk_all(walk: Walk) -> None:
    """All steps; `board` tells of each whether it was seen."""
    for person in (walk.amy, walk.bob):
        await begin_anew(person)
    await register_webhook(walk)
    async with walk.amy.following(walk.board.told_live):
        repeated, windowed = await schedule_repeated(walk), await schedule_in_window(walk)
        await change_and_delete(walk)
        await keep_others_out(walk, repeated)
        await refuse(walk)
        await use_the_form(walk)
        await see_ends(walk, [repeated, windowed])
    await keep_the_last(walk, repeated)


async def begin_anew(person: Person) -> None:
    """Take away what an earlier start has left."""
    for each in await person.listed(SCHEDULES, "scheduledJobs"):
        await person.ask("DELETE", f"{SCHEDULES}/{each['schedulerId']}")
    for each in await person.listed(f"{API}/schedules"):
        await person.ask("DELETE", f"{API}/schedules/{each['name']}")
    for each in await person.listed(f"{API}/webhooks"):
        await person.ask("DELETE", f"{API}/webhooks/{each['id']}")


async def register_webhook(walk: Walk) -> None:
    """B6: a URL is registered, and the secret shown this once."""
    made = await walk.amy.ask("POST", f"{API}/webhooks", {"url": walk.receiver.url})
    walk.receiver.secret = made.said["secret"]
    walk.board.note("B6", "a webhook is registered by REST", seen=made.status == MADE)
    forged = {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time())),
              "webhook-signature": "v1,Zm9yZ2Vk"}  # fmt: skip
    async with walk.nobody.http.post(walk.receiver.url, headers=forged, json={}) as answer:
        refused = answer.status == NOBODY
    walk.board.note("B6", "what is not signed with its secret is refused", seen=refused)


async def schedule_repeated(walk: Walk) -> str:
    """B2, B4: every second, three times; of its jobs the last two are kept."""
    name = await walk.amy.schedule(
        "remind", {"text": "tea", "userId": "bob"},
        {"repeat": {"every": 1_000, "limit": TIMES}}, removeOnComplete={"count": KEPT},
    )  # fmt: skip
    shown = (await walk.amy.ask("GET", f"{SCHEDULES}/{name}")).said
    is_amys = shown["data"] == {"text": "tea", "userId": "amy"}
    walk.board.note("B2", "whose it is cannot be forged in data.userId", seen=is_amys)
    options = {"removeOnComplete": {"count": KEPT}, "removeOnFail": None}
    walk.board.note("B4", "missing options take defaults", seen=shown["options"] == options)
    return name


async def schedule_in_window(walk: Walk) -> str:
    """B2: a cron in a zone, from a date to a date, both included."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    end = start + timedelta(seconds=3)
    when = {"cron": "* * * * * *", "tz": "Asia/Kathmandu", "startDate": start.isoformat(),
            "endDate": end.isoformat()}  # fmt: skip
    return await walk.amy.schedule("report", {"lines": 2}, when)


async def change_and_delete(walk: Walk) -> None:
    """B2: one under a key of amy's own is changed, one under an id is deleted."""
    own = f"{API}/schedules/digest"
    said = {"task": "report", "cron": "0 9 * * mon-fri", "tz": "Europe/Paris"}
    answers = [await walk.amy.ask("PUT", own, {**said, "args": {"lines": n}}) for n in (5, 7)]
    lines = (await walk.amy.ask("GET", own)).said["args"]["lines"]
    changed = ([each.status for each in answers], lines) == ([MADE, DONE], 7)
    walk.board.note("B2", "the same key again changes the schedule", seen=changed)
    made = [
        await walk.amy.schedule("remind", {"text": "lunch"}, {"cron": "0 12 * * *"}) for _ in "ab"
    ]
    told = await walk.amy.ask("DELETE", f"{SCHEDULES}/{made[0]}")
    left = [each["schedulerId"] for each in await walk.amy.listed(SCHEDULES, "scheduledJobs")]
    seen = bool(told.said["message"]) and made[0] not in left and made[1] in left
    walk.board.note("B2", "each POST makes another schedule; a deleted one is gone", seen=seen)


async def keep_others_out(walk: Walk, name: str) -> None:
    """B3: bob, who comes with a JWT of the team's own issuer, sees nothing of amy's."""
    path = f"{SCHEDULES}/{name}"
    answers = [await walk.bob.ask(method, path) for method in ("GET", "DELETE")]
    out = all(each.status == NOT_THERE and each.said["message"] for each in answers)
    walk.board.note("B3", "bob asks for amy's schedule: 404", seen=out)
    mine = await walk.bob.schedule(
        "remind", {"text": "run"}, {"repeat": {"every": 1_000, "limit": 1}}
    )
    listed = [each["schedulerId"] for each in await walk.bob.listed(SCHEDULES, "scheduledJobs")]
    walk.board.note("B3", "bob lists his own schedules alone", seen=listed == [mine])


async def refuse(walk: Walk) -> None:
    """B2, B3: what is not for users, and who is not known."""
    body = {"name": "close_books", "schedule": {"cron": "@daily"}}
    wrong, unknown = [await who.ask("POST", SCHEDULES, body) for who in (walk.amy, walk.nobody)]
    refused = wrong.status == WRONG and "cannot be scheduled by users" in wrong.said["message"]
    walk.board.note("B2", "a task that is not for users: 400 with the reason", seen=refused)
    seen = unknown.status == NOBODY and bool(unknown.said["message"])
    walk.board.note("B3", "without a token: 401", seen=seen)


async def use_the_form(walk: Walk) -> None:
    """B5: amy signs in and does what the web UI's form does; the API describes itself."""
    page = await walk.nobody.sign_in("amy", walk.password)
    offered = {each["name"] for each in await page.listed(f"{API}/tasks")}
    walk.board.note("B5", "the form offers tasks for users alone", seen=offered == {*FOR_USERS})
    said = {"name": "standup", "task": "remind", "args": {"text": "stand-up"}, "cron": "30 9 * * *"}
    preview = await page.ask("POST", f"{API}/schedules/preview", {"cron": said["cron"]})
    made = await page.ask("POST", f"{API}/schedules", said)
    changed = await page.ask("PATCH", f"{API}/schedules/standup", {"cron": "45 9 * * mon-fri"})
    seen = [each.status for each in (preview, made, changed)] == [DONE, MADE, DONE]
    walk.board.note("B5", "signed in, the form previews, submits and edits", seen=seen)
    described = await walk.nobody.ask("GET", f"{API}/openapi.json")
    walk.board.note("B5", "the API is documented", seen=SCHEDULES in described.said["paths"])


async def see_ends(walk: Walk, names: list[str]) -> None:
    """B1, B5, B6: fired, ran, sent, and verified: as many of each."""
    made: dict[str, int] = {}

    async def are_over() -> bool:
        shown = [(await walk.amy.ask("GET", f"{SCHEDULES}/{name}")).said for name in names]
        made.update({each["schedulerId"]: each["made"] for each in shown})
        return all(each["nextRunAt"] is None and each["made"] for each in shown)

    async def are_told() -> bool:
        over = await are_over()
        told = [len(walk.board.ended[queue]) for queue in QUEUES]
        return over and told == [sum(made.values())] * 3 and _heard(walk) == made

    told = await walk.board.sees(are_told)
    over = await are_over()
    walk.board.note(
        "B2", f"repeat.limit: fired {TIMES} times", seen=over and made[names[0]] == TIMES
    )
    walk.board.note("B2", "cron with tz: over after endDate", seen=over)
    walk.board.note("B1", "schedQueue, jobQueue, webhooks: as many ends in each", seen=told)
    queues = {each["name"] for each in await walk.desk.listed(f"{API}/queues")}
    walk.board.note("B1", "the three are on the team's board", seen=queues >= {*QUEUES})
    walk.board.note("B5", "the end of each was told live, and of none of bob's", seen=told)
    signed = _heard(walk) == made
    walk.board.note("B6", "each job's end was heard once, its signature verified", seen=signed)


def _heard(walk: Walk) -> dict[str, int]:
    """How many ends of each schedule's jobs the receiver has heard of."""
    found: dict[str, int] = {}
    for each in walk.receiver.heard.values():
        found[each["schedule"]] = found.get(each["schedule"], 0) + 1
    return found


async def keep_the_last(walk: Walk, name: str) -> None:
    """B4: of three jobs two are kept. The cleaner comes every ten minutes; it is sent for."""
    await walk.desk.ask("POST", f"{API}/services", {"action": "restart", "id": "cleaner"})
    path = f"{API}/jobs?schedule={name}&queue=jobQueue"

    async def are_kept() -> bool:
        jobs: list[dict[str, Any]] = await walk.amy.listed(path)
        return len(jobs) == KEPT

    kept = await walk.board.sees(are_kept)
    walk.board.note("B4", f"removeOnComplete: the last {KEPT} are kept", seen=kept)
