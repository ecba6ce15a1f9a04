"""The judge: a pure function of a run's history. It knows nothing of how the store works.

What it holds the run to is what users are promised: no accepted job is lost, every job ends, each
occurrence makes one job, a job's outcome is that of an attempt which held the fence, and nobody
goes on with a job that was given to another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos import condition_judges as conditions
from tests.chaos.conditions import topple
from tests.chaos.effects import Effect, Word
from tests.chaos.findings import Finding
from tests.chaos.history import Answer, Attempt, Booked, End, History, Moment
from tests.chaos.spans import HEARS_AFTER, STOPS_AFTER

MOST_LOSSES = 3
SET_ASIDE = "set aside"
CHILD_DIED = "the process of the job ended"

DEAD_AFTER = 0.5
"""Seconds a process of a job may take to end after its worker was seen dead: the guard is a shell,
woken by the kernel, on a machine that is busy starting others."""


def check(history: History) -> list[Finding]:
    """All that is wrong with a run."""
    books = Books(history)
    seen = conditions.see(history)
    return [
        *(finding for judge in JUDGES for finding in judge(history, books)),
        *(finding for each in OF_CONDITIONS for finding in each(history, seen)),
    ]


@dataclass
class Books:
    """The history, by job."""

    history: History
    jobs: dict[str, Booked] = field(init=False)
    ends: dict[str, list[End]] = field(init=False)
    attempts: dict[str, list[Attempt]] = field(init=False)
    begins: dict[str, list[Effect]] = field(init=False)
    done: Counter[tuple[Word, str, int]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort everything."""
        self.jobs = {job.id: job for job in self.history.booked}
        self.ends, self.attempts, self.begins = {}, {}, {}
        for end in self.history.ends:
            self.ends.setdefault(end.job, []).append(end)
        for attempt in sorted(self.history.attempts, key=lambda each: each.token):
            self.attempts.setdefault(attempt.job, []).append(attempt)
        for effect in self.history.effects:
            if effect.word is Word.BEGIN:
                self.begins.setdefault(effect.job, []).append(effect)
        self.done = Counter((each.word, each.job, each.token) for each in self.history.effects)


def _accepted_jobs_exist(history: History, books: Books) -> Iterator[Finding]:
    for job, answer in history.asked.items():
        if answer is Answer.ACCEPTED and job not in books.jobs:
            yield Finding("an accepted job is not lost", job)


def _jobs_were_asked_for(history: History, books: Books) -> Iterator[Finding]:
    for job in books.jobs.values():
        if job.schedule is None and job.id not in history.asked:
            yield Finding("nothing runs that nobody asked for", job.id, job.task)


def _jobs_are_booked_once(history: History, books: Books) -> Iterator[Finding]:
    for job, count in Counter(each.id for each in history.booked).items():
        if count > 1:
            yield Finding("a job is booked once", job, f"{count} times")


def _jobs_end_once(history: History, books: Books) -> Iterator[Finding]:
    for job in books.jobs.values():
        ends = books.ends.get(job.id, [])
        if len(ends) != 1:
            detail = f"{job.task}: {[end.outcome for end in ends]}"
            yield Finding("every job ends, once", job.id, detail)


def _ends_are_as_promised(history: History, books: Books) -> Iterator[Finding]:
    """Each kind of job ends as it must; one whose worker died three times is set aside."""
    for job in books.jobs.values():
        said = books.attempts.get(job.id, [])
        for end in books.ends.get(job.id, []):
            if end.outcome == "cancelled":
                why = conditions.why_not_called_off(history, end, job.task)
            else:
                why = _why_wrong(job, end, said)
            if why is not None:
                yield Finding("a job ends as its attempts say", job.id, f"{job.task}: {why}")


def _why_wrong(job: Booked, end: End, said: list[Attempt]) -> str | None:
    told = f"{end.outcome} ({end.reason}) after {[each.outcome for each in said]}"
    losses = sum(each.outcome == "lost" and each.has_begun for each in said)
    reason = end.reason or ""
    if SET_ASIDE in reason:
        is_right = end.outcome == "failed" and losses == MOST_LOSSES and said[-1].outcome == "lost"
        return None if is_right else told
    if job.task == "poison" or losses >= MOST_LOSSES:
        return told
    if end.outcome == "completed":
        return None if said and said[-1].outcome == "succeeded" else told
    may_fail = job.task in TRIES or CHILD_DIED in reason
    is_spent = sum(each.outcome == "failed" for each in said) == TRIES.get(job.task, MOST_TRIES)
    return None if end.outcome == "failed" and may_fail and is_spent else told


MOST_TRIES = 4
"""Attempts of a job whose process is killed."""

TRIES = {"stumble": 4, topple.name: 1}
"""Attempts of the tasks that may fail."""


def _outcomes_are_of_the_fence(history: History, books: Books) -> Iterator[Finding]:
    """What is stored as done was done, by the attempt that it is stored for; only the last can."""
    promise = "an outcome is that of the attempt that held the fence"
    for job, said in books.attempts.items():
        for attempt in said:
            wrong = _wrongs(attempt, books) if attempt.outcome == "succeeded" else {
                "has a result, and did not succeed": attempt.result is not None,
            }  # fmt: skip
            wrong["succeeded, and another followed"] = (
                attempt.outcome == "succeeded" and attempt is not said[-1]
            )
            for what in (what for what, is_so in wrong.items() if is_so):
                yield Finding(promise, job, f"{attempt.token} {what}")


def _wrongs(attempt: Attempt, books: Books) -> dict[str, bool]:
    """What may be wrong with an attempt that succeeded, and whether it is."""
    job, token = attempt.job, attempt.token
    return {
        f"gave back {attempt.result}": attempt.result != token,
        "succeeded, and never began": not books.done[Word.BEGIN, job, token],
        "succeeded, and never ended": not books.done[Word.END, job, token],
    }


def _attempts_are_on_record(history: History, books: Books) -> Iterator[Finding]:
    recorded = {(each.job, each.token) for each in history.attempts}
    for (word, job, token), count in books.done.items():
        if word is Word.BEGIN and (job, token) not in recorded:
            yield Finding("what ran is on record", job, f"{token}")
        if word in (Word.BEGIN, Word.END) and count > 1:
            yield Finding("an attempt runs once", job, f"{token}: {word} {count} times")


def _tokens_are_given_once(history: History, books: Books) -> Iterator[Finding]:
    for token, count in Counter(each.token for each in history.attempts).items():
        if count > 1:
            yield Finding("a token is given once", str(token), f"{count} attempts")


def _nobody_goes_on(history: History, books: Books) -> Iterator[Finding]:
    """No job has an orphan: an attempt that goes on when it must have ended.

    With its worker, it must end at once; soon, when its worker hears that the session was lost.
    A worker that lives must hear of it; one that stood still, soon after it goes on.
    """
    promise = "no orphan goes on with a job"
    following, began = _next_begins(books), _begins(books)
    for effect in history.effects:
        attempt = (effect.job, effect.token)
        dead_at = history.deaths.get(effect.worker)
        if dead_at is not None and effect.at > dead_at + DEAD_AFTER:
            late = effect.at - dead_at
            yield Finding(promise, effect.job, f"{effect.token}: {late:.1f} s after its worker")
        for worker, at in history.heard:
            if worker == effect.worker and began[attempt] < at < effect.at - STOPS_AFTER:
                late = effect.at - at
                yield Finding(promise, effect.job, f"{effect.token}: {late:.1f} s after the news")
        if attempt in following:
            must_hear = _went_on(history, effect.worker, following[attempt]) + HEARS_AFTER
            if effect.at > must_hear:
                late = effect.at - following[attempt]
                yield Finding(promise, effect.job, f"{effect.token}: {late:.1f} s after the next")


def _went_on(history: History, worker: int, begun: float) -> float:
    """When the worker could hear that an attempt had begun: then, or after it stood still."""
    for pause in history.pauses:
        if pause.worker == worker and pause.begin <= begun + HEARS_AFTER:
            begun = max(begun, pause.end)
    return begun


def _begins(books: Books) -> dict[tuple[str, int], float]:
    """When each attempt began; one that went on and never began is found elsewhere."""
    began: dict[tuple[str, int], float] = defaultdict(lambda: float("inf"))
    for job, begins in books.begins.items():
        for effect in begins:
            began[job, effect.token] = effect.at
    return began


def _next_begins(books: Books) -> dict[tuple[str, int], float]:
    """When the attempt after it began, by job and token."""
    following = {}
    for job, begins in books.begins.items():
        in_order = sorted(begins, key=lambda each: each.token)
        for before, after in pairwise(in_order):
            following[job, before.token] = after.at
    return following


def _moments_are_accounted_for(history: History, books: Books) -> Iterator[Finding]:
    """Each moment of a schedule is in one row of the ledger, from the first to the last."""
    promise = "each moment of a schedule is on record once"
    by_schedule: dict[str, list[Moment]] = defaultdict(list)
    for moment in history.ledger:
        by_schedule[moment.schedule].append(moment)
    for schedule, step in history.steps.items():
        rows = sorted(by_schedule[schedule], key=lambda each: each.due)
        if not rows:
            yield Finding(promise, schedule, "none is")
        for before, after in pairwise(rows):
            gap = after.due - before.through
            if gap != step if step else gap <= 0:
                detail = f"{before.due} to {before.through}, then {after.due}"
                yield Finding(promise, schedule, detail)


def _occurrences_have_one_job(history: History, books: Books) -> Iterator[Finding]:
    promise = "each occurrence that ran has one job, and each scheduled job one occurrence"
    made = {(each.schedule, each.due): each.job for each in history.ledger}
    for moment in history.ledger:
        ran = moment.outcome in ("ran", "late")
        job = books.jobs.get(moment.job or "")
        if ran != (moment.job is not None) or (ran and job is None):
            yield Finding(promise, moment.schedule, f"{moment.due} {moment.outcome} {moment.job}")
    for booked in books.jobs.values():
        if booked.schedule is None:
            continue
        if made.get((booked.schedule, booked.occurrence or 0)) != booked.id:
            yield Finding(promise, booked.id, f"{booked.schedule} {booked.occurrence}")
    for effect in history.effects:
        known = books.jobs.get(effect.job)
        if known is not None and effect.occurrence != known.occurrence:
            yield Finding(promise, effect.job, f"it was told of {effect.occurrence}")


def _the_store_is_sound(history: History, books: Books) -> Iterator[Finding]:
    for breach in history.breaches:
        yield Finding("the store keeps its laws", breach)


def _nothing_is_left(history: History, books: Books) -> Iterator[Finding]:
    for process in history.left:
        yield Finding("no process is left", process)
    for member in history.exits:
        yield Finding("who is asked to end ends well", member)


Judge = Callable[[History, Books], Iterator[Finding]]

ANY_RUN: tuple[Judge, ...] = (
    _accepted_jobs_exist,
    _jobs_were_asked_for,
    _jobs_are_booked_once,
    _jobs_end_once,
    _outcomes_are_of_the_fence,
    _attempts_are_on_record,
    _tokens_are_given_once,
    _occurrences_have_one_job,
    _the_store_is_sound,
)
"""What holds in any run, simulated ones too, whatever its jobs and its faults are."""

JUDGES: tuple[Judge, ...] = (
    *ANY_RUN,
    _ends_are_as_promised,
    _nobody_goes_on,
    _moments_are_accounted_for,
    _nothing_is_left,
)

OF_CONDITIONS: tuple[Callable[[History, conditions.Seen], Iterator[Finding]], ...] = (
    conditions.limits_hold,
    conditions.rates_hold,
    conditions.keys_are_had_once,
    conditions.one_waits_for_a_key,
    conditions.times_apart_are_kept,
    conditions.the_last_asked_for_runs,
    conditions.refused_jobs_do_not_run,
    conditions.deadlines_hold,
    conditions.an_open_breaker_holds_back,
    conditions.children_follow_their_parents,
    conditions.workflows_are_whole,
    conditions.what_is_called_off_ends,
)
