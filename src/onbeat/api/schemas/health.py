"""Whether a process lives, and what it depends on, as it is answered."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from onbeat.api.bodies import Answer

Status = Literal["up", "degraded", "down"]

FOR_SOME = "Told to who has workers:read."


class Alive(Answer):
    """It lives."""

    status: Literal["ok"] = "ok"


class Dependency(Answer):
    """Something that is needed."""

    status: Status = Field(
        description="up; degraded: the process does without, more slowly or for a while; down."
    )
    latency_ms: float | None = Field(
        description="How long it took to answer; null where it did not, or cannot be asked."
    )


class LiveUpdates(Dependency):
    """The reader that finds what is told live."""

    behind_s: float | None = Field(description=f"Seconds: what changed before is told. {FOR_SOME}")


class KeysFile(Dependency):
    """The file of another issuer's keys."""

    age_s: float | None = Field(description=f"Seconds since it was written. {FOR_SOME}")


class Disk(Dependency):
    """The disk of a SQLite file."""

    free_bytes: int | None = Field(description=f"Free for this process. {FOR_SOME}")


class SourceHealth(Dependency):
    """What comes from outside, by one source."""

    behind_s: float | None = Field(
        description=f"For how long the first message that is not taken has waited. {FOR_SOME}"
    )
    waiting: int | None = Field(description=f"How many messages are not taken. {FOR_SOME}")


class Health(Answer):
    """What is needed, and how it is."""

    status: Literal["ok", "degraded", "error"] = Field(
        description="ok; degraded: the database is up, something else is not; error: it is down."
    )
    dependencies: dict[str, LiveUpdates | KeysFile | Disk | SourceHealth | Dependency] = Field(
        description="`database`; what else this process depends on: `hints` of other processes "
        "(degraded: it polls), `live` while somebody listens to live updates, `redis` and "
        "`jwks` where such are set, `disk` of a SQLite file, `source:NAME` of each source of "
        "the fleet (degraded: it waits for what it listens to)."
    )
