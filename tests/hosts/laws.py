"""What must hold when a region was cut off and is back: pure, from what was written down."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.hosts.app import Effect

STEP = 1.0
"""Seconds between the moments of every schedule."""

LEEWAY = 1.5
"""Seconds by which a line on a host's log and a row of the database may be out of order."""


@dataclass(frozen=True)
class Attempt:
    """An attempt on record."""

    job: str
    token: int
    session: str
    outcome: str
    finished_at: float
    result: str | None
    """The region that ran it, where it succeeded."""


@dataclass(frozen=True)
class Moment:
    """A moment of a schedule on record, or a range of them without a job."""

    schedule: str
    due_at: float
    outcome: str
    job: str | None
    decided_at: float


@dataclass(frozen=True)
class Cut:
    """Which hosts were cut off, and when; all of them where it was the database that was."""

    hosts: Collection[str]
    began: float
    ended: float


@dataclass(frozen=True)
class Story:
    """All that was written down: by who asked, by the hosts, and in the database."""

    cut: Cut
    asked: Collection[str]
    """Jobs that were accepted; those that schedules made are beside them on record."""
    booked: Collection[str]
    ended: Mapping[str, Sequence[str]]
    """How each job ended, on record."""
    attempts: Sequence[Attempt]
    effects: Sequence[Effect]
    moments: Sequence[Moment]
    moved: Mapping[str, float]
    """Jobs that were stranded, and when each was moved."""
    homes: Mapping[str, str]
    """The host of each worker's session."""
    rescues: bool = True
    """Whether attempts are to be taken from who was cut off: not where that was everybody."""
    breaches: Sequence[str] = ()
    """What `onbeat db verify` found."""


@dataclass
class Figures:
    """What is worth telling of a story."""

    jobs: int = 0
    moments: int = 0
    lost: int = 0
    """Attempts that were taken from the host that was cut off."""
    refused: int = 0
    """Of those, the ones that were done there all the same, and not believed."""
    doubled: int = 0
    """Jobs whose effect came twice."""
    moved: int = 0
    rescued_after: float | None = None
    """Seconds from the cut to the first attempt that was taken away."""
    moved_after: float | None = None
    """Seconds from the cut to the first job that was moved."""
    late: float = 0.0
    """Seconds after which the latest of all moments was decided."""
    wrong: list[str] = field(default_factory=list)


def judge(story: Story) -> Figures:
    """Which laws were broken, and the figures."""
    lost = [each for each in story.attempts if each.outcome == "lost"]
    done = {(each.job, each.token) for each in story.effects if each.word == "done"}
    began = story.cut.began
    return Figures(
        jobs=len(set(story.booked) | set(story.asked)),
        moments=len(story.moments),
        lost=len(lost),
        refused=sum((each.job, each.token) in done for each in lost),
        doubled=sum(count > 1 for count in Counter(job for job, _ in done).values()),
        moved=len(story.moved),
        rescued_after=min((each.finished_at - began for each in lost), default=None),
        moved_after=min((at - began for at in story.moved.values()), default=None),
        late=max((each.decided_at - each.due_at for each in story.moments), default=0.0),
        wrong=[
            *_of_jobs(story),
            *_of_effects(story),
            *_of_lost_attempts(story, lost),
            *_of_the_stranded(story),
            *_of_moments(story),
            *(f"verify: {each}" for each in story.breaches),
        ],
    )


def _of_jobs(story: Story) -> Iterator[str]:
    """Each job that was accepted or made by a schedule is completed once, by one attempt."""
    succeeded = Counter(each.job for each in story.attempts if each.outcome == "succeeded")
    for job in sorted(set(story.asked) | set(story.booked)):
        if list(story.ended.get(job, ())) != ["completed"]:
            yield f"job {job} ended as {list(story.ended.get(job, ()))}"
        elif succeeded[job] != 1:
            yield f"job {job} has {succeeded[job]} attempts that succeeded"


def _of_effects(story: Story) -> Iterator[str]:
    """An effect comes once an attempt; the record believes the last attempt and its host; what
    else had an effect was taken away from a host that was cut off.
    """
    believed = {each.job: each for each in story.attempts if each.outcome == "succeeded"}
    lost = {(each.job, each.token) for each in story.attempts if each.outcome == "lost"}
    count = Counter((each.job, each.token, each.word) for each in story.effects)
    if twice := [each for each, times in count.items() if times > 1]:
        yield f"{len(twice)} attempts had their effect twice"
    done: dict[str, dict[int, str]] = defaultdict(dict)
    for each in story.effects:
        if each.word == "done":
            done[each.job][each.token] = each.host
    for job, last in believed.items():
        if done[job].get(last.token) != last.result:
            yield f"job {job} is on record as of {last.result}, and the logs say {done[job]}"
        for token, host in done[job].items():
            if token != last.token and not (
                (job, token) in lost and host in story.cut.hosts and token < last.token
            ):
                yield f"job {job} was also done on {host} by attempt {token}, which was not cut off"


def _of_lost_attempts(story: Story, lost: Sequence[Attempt]) -> Iterator[str]:
    """Nothing is taken from who can reach the database; from who cannot, what it had."""
    if not story.rescues:
        if lost:
            yield f"{len(lost)} attempts were taken away, though nobody could reach anything"
        return
    if not lost:
        yield "nothing was rescued"
    hosts = {story.homes.get(each.session, "nobody knows where") for each in lost}
    if hosts - set(story.cut.hosts):
        yield f"attempts were taken from {sorted(hosts - set(story.cut.hosts))}"
    done = {(each.job, each.token) for each in story.effects if each.word == "done"}
    if not any((each.job, each.token) in done for each in lost):
        yield "the drill did not strike: no attempt was done by who had lost it"


def _of_the_stranded(story: Story) -> Iterator[str]:
    """What waited in the region that went is done in others before it is back."""
    if not story.rescues:
        return
    if not story.moved:
        yield "nothing was stranded, so nothing was moved"
    believed = {each.job: each for each in story.attempts if each.outcome == "succeeded"}
    for job in story.moved:
        last = believed.get(job)
        if last is None:
            continue  # said by another law
        if last.result in story.cut.hosts or last.finished_at > story.cut.ended + LEEWAY:
            yield f"job {job} was stranded, and done on {last.result} when the region was back"


def _of_moments(story: Story) -> Iterator[str]:
    """The moments of a schedule are a second apart, without a gap, each with a job of its own."""
    of: dict[str, list[Moment]] = defaultdict(list)
    for each in story.moments:
        of[each.schedule].append(each)
    if not of:
        yield "no schedule was due"
    for schedule, moments in of.items():
        due = sorted(each.due_at for each in moments)
        gaps = [
            after - before
            for before, after in pairwise(due)
            if abs(after - before - STEP) > STEP / 10
        ]
        if gaps:
            yield f"schedule {schedule} has moments {gaps} s apart"
        if without := sum(each.job is None for each in moments):
            yield f"schedule {schedule} has {without} moments without a job"
    jobs = [each.job for each in story.moments if each.job is not None]
    if len(set(jobs)) < len(jobs):
        yield "two moments have one job"
