"""When a failed job may be tried again, and how long to wait first.

The delay for failure number n (1 for the first) is
    fixed         base
    linear        base · n
    exponential   base · factor^(n-1)
    polynomial    base · n^power
capped at `cap`, then spread by jitter. Full and equal jitter are those of
Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from onbeat.domain.durations import read_duration
from onbeat.domain.error_classes import (
    LONGEST_DELAY,
    ErrorClass,
    ErrorName,
    ErrorType,
    matches,
    type_name,
)
from onbeat.domain.errors import InvalidInput

E = TypeVar("E", bound=StrEnum)

MAX_ATTEMPTS = 1_000


class Backoff(StrEnum):
    """How the delay grows from one failure to the next."""

    FIXED = "fixed"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    POLYNOMIAL = "polynomial"


class Jitter(StrEnum):
    """How the delay is spread: not, over all of it, or over its upper half."""

    NONE = "none"
    FULL = "full"
    EQUAL = "equal"


class Randomness(Protocol):
    """The one thing a policy needs of a random source."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, after how long, and after which errors a job is tried again.

    `attempts` counts all of them, the first included. Durations are text such as "2s" or "10m",
    or timedelta. `rules` says of exceptions whether they are "transient", "permanent" or "rate
    limited" (the first that matches, in order; see domain/error_classes.py). `never` lists those
    that are permanent; `on`, when given, is the only ones that are not; `by` gives a policy of its
    own to an exception (the first that matches, in order). An error with a `retry_after` attribute
    (seconds, or a timedelta) is retried after that long, if longer than the policy's own delay, as
    HTTP's Retry-After asks (RFC 9110 §10.2.3).
    """

    attempts: int = 3
    base: str | timedelta = "5s"
    cap: str | timedelta = "1h"
    backoff: Backoff | str = Backoff.EXPONENTIAL
    factor: float = 2.0
    power: float = 4.0
    jitter: Jitter | str = Jitter.EQUAL
    never: tuple[ErrorType, ...] = ()
    on: tuple[ErrorType, ...] = ()
    by: Mapping[ErrorType, Retry] = field(default_factory=dict, hash=False)
    rules: Mapping[ErrorType, ErrorClass | str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Refuse what could not work, and settle text into values."""
        _check_attempts(self.attempts)
        for name in ("base", "cap"):
            object.__setattr__(self, name, _delay(name, getattr(self, name)))
        object.__setattr__(self, "backoff", _member("backoff", Backoff, self.backoff))
        object.__setattr__(self, "jitter", _member("jitter", Jitter, self.jitter))
        for name in ("factor", "power"):
            _check_growth(name, getattr(self, name))
        for name in ("never", "on"):
            object.__setattr__(self, name, _classes(name, getattr(self, name)))
        _check_policies(self.by)
        _classes("by", tuple(self.by))
        for policy in self.by.values():
            check_retry("by", policy)
        object.__setattr__(self, "rules", _rules(self.rules))

    def for_error(self, error: BaseException) -> Retry:
        """The policy that holds for `error`: its class's own, or this one."""
        for kind, policy in self.by.items():
            if matches(error, (kind,)):
                return policy
        return self

    def delay(self, failures: int, randomness: Randomness) -> timedelta:
        """How long to wait after failure number `failures` (1 for the first)."""
        return spread(self.plain_delay(failures), self.jitter, randomness)

    def plain_delay(self, failures: int) -> timedelta:
        """The delay before jitter, already capped."""
        if not self.base:
            return timedelta()  # growth may be infinite, and that many times nothing is no number
        seconds = _seconds(self.base) * self._growth(max(1, failures))
        return timedelta(seconds=min(seconds, _seconds(self.cap)))

    def _growth(self, failures: int) -> float:
        try:
            match self.backoff:
                case Backoff.LINEAR:
                    return float(failures)
                case Backoff.EXPONENTIAL:
                    return float(self.factor ** (failures - 1))
                case Backoff.POLYNOMIAL:
                    return float(float(failures) ** self.power)
                case _:
                    return 1.0
        except OverflowError:
            return float("inf")

    def spec(self) -> dict[str, Any]:
        """The policy as JSON, for a job that carries its own."""
        return {
            "attempts": self.attempts,
            "base": _seconds(self.base),
            "cap": _seconds(self.cap),
            "backoff": str(self.backoff),
            "factor": self.factor,
            "power": self.power,
            "jitter": str(self.jitter),
            "never": [type_name(kind) for kind in self.never],
            "on": [type_name(kind) for kind in self.on],
            "by": {type_name(kind): policy.spec() for kind, policy in self.by.items()},
            "rules": {type_name(kind): str(ruled) for kind, ruled in self.rules.items()},
        }


def check_retry(name: str, value: object) -> None:
    """Refuse what is not a policy: a number alone leaves open whether it counts the first attempt.

    Raises InvalidInput.
    """
    if not isinstance(value, Retry):
        instead = f"Retry({value})" if type(value) is int else "one, such as Retry(5)"
        told = f"{value!r} is not a Retry; give {instead}, which counts the first attempt too"
        raise InvalidInput(name, told)


def retry_from_spec(spec: Mapping[str, Any]) -> Retry:
    """Read a policy back from `Retry.spec()`; classes come back by name."""
    return Retry(
        spec["attempts"],
        base=timedelta(seconds=spec["base"]),
        cap=timedelta(seconds=spec["cap"]),
        backoff=spec["backoff"],
        factor=spec["factor"],
        power=spec["power"],
        jitter=spec["jitter"],
        never=tuple(ErrorName(kind) for kind in spec["never"]),
        on=tuple(ErrorName(kind) for kind in spec["on"]),
        by={ErrorName(kind): retry_from_spec(policy) for kind, policy in spec["by"].items()},
        # of before there were any, it has no rules
        rules={ErrorName(kind): ruled for kind, ruled in spec.get("rules", {}).items()},
    )


def spread(delay: timedelta, jitter: Jitter | str, randomness: Randomness) -> timedelta:
    """Spread `delay` so that jobs that failed together do not come back together."""
    match jitter:
        case Jitter.FULL:
            return delay * randomness.random()
        case Jitter.EQUAL:
            return delay / 2 + (delay / 2) * randomness.random()
        case _:
            return delay


def _check_attempts(attempts: object) -> None:
    if isinstance(attempts, bool) or not isinstance(attempts, int):
        raise InvalidInput("attempts", f"{attempts!r} is not a whole number")
    if not 1 <= attempts <= MAX_ATTEMPTS:
        raise InvalidInput("attempts", f"{attempts} is out of range; give 1 to {MAX_ATTEMPTS}")


def _seconds(duration: str | timedelta) -> float:
    """Seconds of a duration that `__post_init__` has settled."""
    return duration.total_seconds() if isinstance(duration, timedelta) else math.nan


def _delay(name: str, value: str | timedelta) -> timedelta:
    duration = read_duration(value, name)
    if not timedelta() <= duration <= LONGEST_DELAY:
        raise InvalidInput(name, f"{value!r} is out of range; give 0s to 365d")
    return duration


def _member(name: str, kinds: type[E], value: str) -> E:
    try:
        return kinds(value)
    except ValueError:
        allowed = ", ".join(kinds)
        raise InvalidInput(name, f"{value!r} is not known; give one of {allowed}") from None


def _check_growth(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(name, f"{value!r} is not a number; give 0 to 100")
    if not 0 <= value <= 100:
        raise InvalidInput(name, f"{value!r} is out of range; give 0 to 100")


def _check_policies(policies: object) -> None:
    if not isinstance(policies, Mapping):
        told = f"{policies!r} maps nothing; give exceptions and their policy: {{OSError: Retry(9)}}"
        raise InvalidInput("by", told)


def _rules(rules: object) -> Mapping[ErrorType, ErrorClass | str]:
    if not isinstance(rules, Mapping):
        told = f'{rules!r} maps nothing; give exceptions and their class: {{OSError: "transient"}}'
        raise InvalidInput("rules", told)
    _classes("rules", tuple(rules))
    return {kind: _member("rules", ErrorClass, ruled) for kind, ruled in rules.items()}


def _classes(name: str, kinds: tuple[ErrorType, ...] | ErrorType) -> tuple[ErrorType, ...]:
    given = kinds if isinstance(kinds, tuple) else (kinds,)
    for kind in given:
        is_class = isinstance(kind, type) and issubclass(kind, BaseException)
        if not is_class and not isinstance(kind, ErrorName):
            told = f"{kind!r} is not an exception class; give the class itself, as ConnectionError"
            raise InvalidInput(name, told)
    return given
