"""The database and what the doctor says of it, as they are answered."""

from __future__ import annotations

from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.app.doctor.findings import Verdict


class SettingOut(Answer):
    """A setting of the process that answers."""

    name: str = Field(description="As `onbeat.toml` has it.")
    variable: str = Field(description="As the environment has it.")
    value: str = Field(description="Secrets as `***`; `-` for none.")
    source: str = Field(description="A variable, `onbeat.toml`, `default`, or `given`: in code, or "
                        "as an option of the command.")  # fmt: skip
    about: str = Field(description="What it is for.")


class CheckOut(Answer):
    """One thing that was looked at."""

    name: str = Field(description="What: `database`, `indexes`, `queues`, …")
    verdict: Verdict = Field(description="ok; note: nothing is broken by it; wrong.")
    message: str = Field(description="What was found, and what to do.")
    remedies: list[str] = Field(description="Statements that put it right.")
    can_fix: bool = Field(description="Whether a repair sends them.")


class Examined(Answer):
    """What the doctor found."""

    healthy: bool = Field(description="Whether nothing is wrong.")
    settings: list[SettingOut] = Field(description="Of the process that answers.")
    checks: list[CheckOut] = Field(description="What rests on something wrong is not looked at.")


class Repaired(Examined):
    """What was put right, and what the doctor finds since."""

    done: list[str] = Field(description="The statements that were sent.")


class SchemaOut(Answer):
    """The schema of the database."""

    database: str = Field(description="Its address, without a password.")
    environment: str | None
    current: str | None = Field(description="The schema it has; null for none.")
    needed: str = Field(description="The schema that this Onbeat needs.")
    is_current: bool = Field(description="Whether those are the same.")
    is_newer: bool = Field(description="Whether it is of a newer Onbeat.")


class EnvironmentOut(Answer):
    """An environment in the database."""

    environment: str | None = Field(description="null: what is there without one.")
    schema_version: str | None = Field(alias="schema", description="null: it may not be read.")
    is_current: bool = Field(description="Whether it is the schema that this Onbeat needs.")


class Environments(Answer):
    """All environments in the database."""

    data: list[EnvironmentOut]
