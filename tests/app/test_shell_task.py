"""The task `shell` exists where the operator enabled it, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from onbeat import InvalidArguments, InvalidSetting, InvalidTask, Onbeat, Settings, UnknownTask
from onbeat.settings import load_settings

NOWHERE = Path("/nonexistent.toml")


def application(*, setting: bool = False, shell: bool | None = None) -> Onbeat:
    """An application that connects to nothing."""
    return Onbeat("sqlite:///:memory:", settings=Settings(shell=setting), shell=shell)


def test_it_is_not_there_unless_it_is_asked_for() -> None:
    assert application().tasks == ()


@pytest.mark.parametrize(
    ("setting", "shell", "is_there"),
    [(True, None, True), (True, False, False), (False, True, True), (False, None, False)],
)
def test_the_setting_enables_it_unless_the_code_says_otherwise(
    setting: bool, shell: bool | None, is_there: bool
) -> None:
    assert ("shell" in application(setting=setting, shell=shell).tasks) is is_there


@pytest.mark.parametrize(
    ("value", "is_on"),
    [("true", True), ("YES", True), ("1", True), ("on", True), ("false", False), ("0", False)],
)
def test_the_setting_is_read_as_people_write_it(value: str, is_on: bool) -> None:
    assert load_settings({"ONBEAT_SHELL": value}, NOWHERE).shell is is_on


def test_the_setting_may_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "onbeat.toml"
    file.write_text("shell = true\n")

    assert load_settings({}, file).shell is True


def test_another_word_is_refused_with_the_variable_s_name() -> None:
    with pytest.raises(InvalidSetting, match="ONBEAT_SHELL: 'maybe' is not allowed"):
        load_settings({"ONBEAT_SHELL": "maybe"}, NOWHERE)


def test_asking_for_it_where_it_is_not_says_how_to_enable_it() -> None:
    with pytest.raises(UnknownTask, match="ONBEAT_SHELL=true"):
        application().jobs.bind("shell", '{"command": "true"}')


@pytest.mark.parametrize(
    "args",
    ["{}", '{"command": 3}', '{"command": "a", "env": {"A": 1}}', '{"command": "a", "cwd": "/"}'],
)
def test_its_arguments_are_checked(args: str) -> None:
    with pytest.raises(InvalidArguments):
        application(setting=True).jobs.bind("shell", args)


def test_a_task_of_the_application_s_own_cannot_take_its_name() -> None:
    ob = application(setting=True)

    def shell() -> None: ...

    with pytest.raises(InvalidTask, match="'shell' is taken"):
        ob.task(shell)
