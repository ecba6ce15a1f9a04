"""At most one job of a kind: what makes two jobs the same, for how long, and what a second one
does. Pure; the store keeps a row for each key that is had, and its primary key decides who has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.ties import TieKind, tie

if TYPE_CHECKING:
    from onbeat.domain.jobs import JobId, NewJob

UNTIL = {"begun": TieKind.WAITING, "ended": TieKind.UNIQUE}
"""How long a job has its key, and the tie that says so."""

ON_CONFLICT = ("keep", "replace")
LONGEST_KEY = 500

IN_ORDER = 6
HASHED = 10
"""Bytes of a key that keep the order of the arguments, and of the hash of them."""


# A struct, because a batch makes one for each job (see domain/jobs.py).
class UniqueKey(msgspec.Struct, frozen=True, gc=False):
    """The key that a job alone may have, and for how long."""

    key: str
    tie: str
    """How it stands in the book."""
    within: timedelta | None = None
    """For how long; None until it begins or ends, as its tie says."""
    replaces: bool = False
    """Whether it takes the place of a job that waits."""


@dataclass(frozen=True, slots=True)
class Unique:
    """What makes two jobs of a task the same, so that there is one of them.

    The arguments named in `by`, all of them where nothing is said, or a `key` of the caller's own,
    which is of that task alone. A job has its key `until` it has "ended" (the default), until it
    has "begun" (a worker took it), or `within` a time after it was enqueued, whatever became of
    it. A second job is not stored, and its handle is the first one's; with `on_conflict="replace"`
    it takes the place of one that waits, which is called off. Raises InvalidInput.
    """

    by: tuple[str, ...] | None = None
    key: str | None = None
    until: str | None = None
    within: str | timedelta | None = None
    on_conflict: str = "keep"

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        _check_by(self.by, self.key)
        if self.until is not None and self.within is not None:
            raise InvalidInput("within", "it is given together with until; give one of them")
        if self.until is not None and self.until not in UNTIL:
            raise InvalidInput("until", f"{self.until!r} is not known; give 'ended' or 'begun'")
        if self.on_conflict not in ON_CONFLICT:
            raise InvalidInput(
                "on_conflict", f"{self.on_conflict!r} is not known; give 'keep' or 'replace'"
            )
        object.__setattr__(self, "within", _read_within(self.within))


class Keyer:
    """Makes the keys of the jobs of one task, by one Unique: hashes that keep their order.

    The first twelve digits are those of the first argument that counts, the rest a hash of task
    and arguments. Ids are mostly given one after the other, and so their keys lie side by side in
    the store: keys all over the place cost 20 us a job on a table of 100,000 there, these 3.
    """

    def __init__(
        self,
        task: str,
        unique: Unique,
        names: Collection[str],
        defaults: Mapping[str, Any],
        secret: Collection[str] = (),
    ) -> None:
        """Prepare; `names` are those of all arguments, `defaults` what is left out is then.

        Where one of those that count is `secret`, all of the key is a hash.
        """
        salt = task.encode() + (b"\0args\0" if unique.key is None else b"\0key\0")
        chosen = sorted(names) if unique.by is None else unique.by
        self._defaults = [_canonical(defaults.get(name)) for name in chosen]
        fields = [(name, msgspec.Raw, NOT_GIVEN) for name in chosen]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Chosen", fields)).decode
        self._is_secret = any(name in secret for name in chosen)
        size = IN_ORDER + HASHED if self._is_secret else HASHED
        self._salted = blake2b(salt, digest_size=size)  # copied for each: half of beginning anew
        is_told = len(chosen) == 1 and not self._is_secret
        self._begins = b"{" + _canonical(chosen[0]) + b":" if is_told else None
        self._of_number = self._hash(b"")
        self._tie, self._within = _tie_of(unique)
        self._replaces = unique.on_conflict == "replace"
        self._given = None if unique.key is None else self._digits(unique.key.encode())

    def key_of(self, args: bytes) -> UniqueKey:
        """The key of the job with these arguments, a JSON object by name."""
        digits = self._given or self._of_first(args) or self._digits(self._said(args))
        return UniqueKey(digits, self._tie + digits, self._within, self._replaces)

    def _of_first(self, args: bytes) -> str | None:
        """The digits where one argument counts that comes first and is a whole number or a plain
        text, as ids are: it is cut out, and there is nothing to decode. 1.6 us where that took 3.1.
        """
        begin = self._begins
        if begin is None or not args.startswith(begin):
            return None
        start = len(begin)
        if args.startswith(b'"', start):
            said = args[start : args.index(b'"', start + 1) + 1]
            return None if b"\\" in said else self._digits(said)
        said = args[start : args.find(b",", start)]  # to the brace where no comma comes
        return self._digits(said) if said.isdigit() else None

    def _said(self, args: bytes) -> bytes:
        """The arguments that count: the same for the same ones, however they were written."""
        texts = [bytes(text) for text in msgspec.structs.astuple(self._decode(args))]
        for place, text in enumerate(texts):
            if not text:
                texts[place] = self._defaults[place]
            elif text[0] in OF_MANY:
                texts[place] = _canonical(msgspec.json.decode(text))
        return b"\0".join(texts)

    def _digits(self, said: bytes) -> str:
        if self._begins is not None and said.isdigit() and len(said) <= LONGEST_NUMBER:
            return said.decode().rjust(LONGEST_NUMBER, "0") + self._of_number
        if self._is_secret:
            return self._hash(said)
        return _in_order(said) + self._hash(said)

    def _hash(self, said: bytes) -> str:
        hashed = self._salted.copy()
        hashed.update(said)
        return hashed.hexdigest()


OF_MANY = b"{["
"""How a text begins that can be written in more than one way."""

LONGEST_NUMBER = 2 * IN_ORDER
"""Digits of a whole number that is told by itself."""

NOT_GIVEN = msgspec.Raw()

_canonical = msgspec.json.Encoder(order="sorted").encode


def _in_order(said: bytes) -> str:
    """What keeps the order of ids that grow: a whole number as such, of one that takes more than 48
    bits the upper ones, where ids that are made of a time have it, of a UUID the first 48 bits,
    which are the time in version 7; of all else the beginning.
    """
    first, _, _ = said.partition(b"\0")
    if first.isdigit() and len(first) <= LONGEST_NUMBER:
        return first.decode().rjust(LONGEST_NUMBER, "0")
    if first.isdigit() and len(first) <= LONGEST_OF_64_BITS:
        number = int(first)
        return (number if number < 1 << 48 else number >> 16).to_bytes(IN_ORDER).hex()
    uuid = UUID_BEGINS(first)
    if uuid is not None:
        return (uuid[1] + uuid[2]).decode().lower()
    return first[1 : IN_ORDER + 1].ljust(IN_ORDER, b"\0").hex()


LONGEST_OF_64_BITS = 19
"""Digits of a whole number that fits eight bytes whatever they are."""

UUID_BEGINS = re.compile(rb'"([0-9A-Fa-f]{8})-([0-9A-Fa-f]{4})-[0-9A-Fa-f]{4}-').match


def _tie_of(unique: Unique) -> tuple[str, timedelta | None]:
    """How its keys' ties begin, and for how long they are had."""
    if isinstance(unique.within, timedelta):
        return tie(TieKind.WITHIN, f"{unique.within // timedelta(microseconds=1)}:"), unique.within
    return tie(UNTIL[unique.until or "ended"]), None


def _check_by(by: Any, key: Any) -> None:
    if key is not None:
        if by is not None:
            raise InvalidInput("key", "it is given together with by; give one of them")
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
            raise InvalidInput("key", f"it is no text of 1 to {LONGEST_KEY} characters")
    if by is None:
        return
    if not isinstance(by, tuple | list) or not all(isinstance(name, str) for name in by):
        raise InvalidInput("by", f'{by!r} is no tuple of names; give them as by=("order_id",)')
    if not by:
        raise InvalidInput("by", "it names no argument; name one, or give a key")
    if len(set(by)) < len(by):
        raise InvalidInput("by", f"{by!r} names an argument twice; name each once")


def _read_within(within: str | timedelta | None) -> timedelta | None:
    duration = None if within is None else read_duration(within, "within")
    if duration is not None and duration <= timedelta():
        raise InvalidInput("within", f"{within!r} is no time; give more than 0s")
    return duration


def check_unique(
    unique: object, task: str, names: Collection[str] | None, field: str = "unique"
) -> Unique:
    """Return `unique`, whose arguments must be among `names`; None for a task nobody here knows.

    Raises InvalidInput.
    """
    if not isinstance(unique, Unique):
        raise InvalidInput(field, f"{unique!r} is no Unique; give Unique(by=…), Unique(key=…)")
    if unique.by is None or names is None:
        return unique
    unknown = [name for name in unique.by if name not in names]
    if unknown:
        has = f"its arguments are {', '.join(sorted(names))}" if names else "it has no arguments"
        raise InvalidInput(field, f"{task} has no argument {unknown[0]!r}; {has}")
    return unique


def once_each(jobs: Sequence[NewJob]) -> tuple[Sequence[NewJob], dict[JobId, JobId]]:
    """The jobs to store, and of those whose key came twice, by id the one that stands for it.

    The first of them, or the last where it takes the place of others.
    """
    chosen: dict[str, NewJob] = {}
    keyed = 0
    for job in jobs:
        unique = job.unique
        if unique is not None:
            keyed += 1
            if unique.replaces or unique.key not in chosen:
                chosen[unique.key] = job
    if len(chosen) == keyed:
        return jobs, {}
    kept: list[NewJob] = []
    twice: dict[JobId, JobId] = {}
    for job in jobs:
        stands = job if job.unique is None else chosen[job.unique.key]
        if stands.id == job.id:
            kept.append(job)
        else:
            twice[job.id] = stands.id
    return kept, twice


def holders(twice: Mapping[JobId, JobId], refused: Mapping[JobId, JobId]) -> dict[JobId, JobId]:
    """Of each job that was not stored, by id the job that has its key."""
    return {**refused, **{job: refused.get(stands, stands) for job, stands in twice.items()}}
