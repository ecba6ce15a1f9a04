"""The laws of the store, and what it means when one is broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Law(StrEnum):
    """A law that holds at every moment, by what is found where it is broken."""

    wrong: str
    meaning: str

    def __new__(cls, name: str, wrong: str, meaning: str) -> Law:
        """A law by its name, what is wrong where it is broken, and what that means."""
        law = str.__new__(cls, name)
        law._value_ = name
        law.wrong = wrong
        law.meaning = meaning
        return law

    NO_PLACE = (
        "no-place",
        "a job is in the book and stands in no place",
        "it will never run and never end: a move was lost",
    )
    TWO_PLACES = (
        "two-places",
        "a job stands in more than one place",
        "it may run twice: a move was half undone",
    )
    ENDED_TWICE = (
        "ended-twice",
        "a job has more than one end on record",
        "two attempts of it were both believed",
    )
    NO_BOOK = (
        "no-book",
        "a job stands in a place and is not in the book",
        "nobody knows its task and arguments, so it can never run",
    )
    SHARED_TOKEN = (
        "shared-token",
        "two attempts were given the same token",
        "the token fences nothing: one attempt could end the other's lease",
    )
    TOKEN_ORDER = (
        "token-order",
        "a job's attempts do not follow each other in the order of their tokens",
        "two of its attempts were under way at once, or one is missing from the record",
    )
    WRONG_END = (
        "wrong-end",
        "a job's end is not what its last attempt says",
        "the outcome of an attempt that had lost its lease was applied, or an attempt is missing",
    )
    OCCURRENCE_WITHOUT_JOB = (
        "occurrence-without-job",
        "an occurrence made a job that is not in the book, or is another's there",
        "a moment of the schedule counts as done and was not",
    )
    JOB_WITHOUT_OCCURRENCE = (
        "job-without-occurrence",
        "a schedule's job is not in the ledger of its occurrences",
        "a moment may have been made into a job twice",
    )
    OCCURRENCE_OUTCOME = (
        "occurrence-outcome",
        "an occurrence that ran has no job, or one that was skipped has one",
        "the ledger does not tell what happened",
    )
    OVERLAPPING_OCCURRENCES = (
        "overlapping-occurrences",
        "a moment of a schedule lies in two occurrences",
        "it was accounted for twice, and may have run twice",
    )
    AWAITS_ENDED_JOB = (
        "awaits-ended-job",
        "a schedule waits for the end of a job that does not stand anywhere any longer",
        "it will never be due again; edit it to start it anew",
    )
    LEASE_WITHOUT_SESSION = (
        "lease-without-session",
        "a job is held by a worker that is not on record",
        "it is given back by the next rescuer that starts, or within ten minutes",
    )
    LEASE_NOT_RESCUED = (
        "lease-not-rescued",
        "a job is held by a worker that has ended, and a rescuer on duty does not give it back",
        "it will not run until somebody does",
    )
    WAITS_IN_VAIN = (
        "waits-in-vain",
        "a job waits for parents that have all ended, and no end is left to be followed",
        "it will not run until somebody runs it by hand",
    )
    PARENT_COUNT = (
        "parent-count",
        "the count of parents that a job waits for is not what stands",
        "it will begin too early, or never",
    )
    WORKFLOW_TOTALS = (
        "workflow-totals",
        "a workflow's count of jobs that have ended is not what stands",
        "it will never be over, or is said to be over and is not",
    )
    SLOT_COUNT = (
        "slot-count",
        "the counts of a limit's slot are not what stands",
        "the limit lets too many run, or holds up jobs that could",
    )
    KEY_OF_ENDED_JOB = (
        "key-of-ended-job",
        "a unique key is had by a job that has ended",
        "no other job of that key can be enqueued, until somebody runs this one again",
    )
    KEY_NOT_HAD = (
        "key-not-had",
        "a job that has not ended does not have its unique key",
        "another job of that key may run beside it",
    )
    MARK_WITHOUT_JOB = (
        "mark-without-job",
        "a tag or an owner is kept of a job that does not have it, or is not in the book",
        "a list by it counts what is not there; nothing else is wrong",
    )
    MARK_MISSING = (
        "mark-missing",
        "a job's tag or owner is not kept where jobs are found by it",
        "a list by it leaves the job out",
    )
    DEADLINE_OF_NO_WAITING_JOB = (
        "deadline-of-no-waiting-job",
        "a deadline by which to begin is kept of a job that does not wait",
        "a job that has begun may be called off when it waits for its next attempt",
    )


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that is broken, and where."""

    law: Law
    subject: str
    """The id of a job, a schedule or a workflow, or the name of a slot."""
    detail: str
    span: tuple[datetime, datetime] | None = field(default=None, compare=False)
    """For a schedule's ledger: the moments between which it is broken."""


MOST_OF_A_LAW = 1_000
"""Breaches of one law that are kept: with more, their number says less than the first ones."""


@dataclass(slots=True)
class Report:
    """What was read, and what is wrong."""

    jobs: int = 0
    attempts: int = 0
    occurrences: int = 0
    breaches: list[Breach] = field(default_factory=list)
    """At most 1,000 of each law."""
    remarks: list[str] = field(default_factory=list)
    """What is no breach, but should be known."""
