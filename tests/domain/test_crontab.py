"""What a crontab's lines mean, after crontab(5) and the source of Debian's cron."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.crontab import Crontab, Entry, read_crontab, schedule_names
from onbeat.domain.recurrence import moments

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def read(text: str | bytes, *, has_user: bool = False, zone: str = "UTC") -> Crontab:
    raw = text if isinstance(text, bytes) else text.encode()
    return read_crontab(raw, has_user=has_user, zone=zone)


def only(text: str | bytes, *, has_user: bool = False) -> Entry:
    """The one entry of a crontab in which nothing is wrong."""
    crontab = read(text, has_user=has_user)
    assert crontab.passed == ()
    [entry] = crontab.entries
    return entry


def reason(text: str | bytes, *, has_user: bool = False) -> str:
    """Why the one line that runs something is not taken."""
    crontab = read(text, has_user=has_user)
    assert crontab.entries == ()
    [passed] = crontab.passed
    return passed.reason


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("* * * * *", "every minute"),
        ("09,39 * * * *", "at minutes 9 and 39 of every hour"),
        ("5-55/10 * * * *", "at minutes 5, 15, 25, 35, 45 and 55 of every hour"),
        ("0 */12 * * *", "at minute 0 at hours 0 and 12 every day"),
        ("30 4 1,15 * 5", "at 04:30 on days 1 and 15 of the month or on Friday"),
        ("47 6 * * 7", "at 06:47 on Sunday"),
        ("0 22 * * Mon-fri", "at 22:00 on Monday to Friday"),
        ("0 0 1 JAN *", "at 00:00 on day 1 of the month in January"),
        ("\t5\t4\t*\t*\tsun", "at 04:05 on Sunday"),
        ("@hourly", "at minute 0 of every hour"),
        ("@daily", "at 00:00 every day"),
        ("@midnight", "at 00:00 every day"),
        ("@weekly", "at 00:00 on Sunday"),
        ("@monthly", "at 00:00 on day 1 of the month"),
        ("@yearly", "at 00:00 on day 1 of the month in January"),
        ("@annually", "at 00:00 on day 1 of the month in January"),
        ("-0 5 * * *", "at 05:00 every day"),
    ],
)
def test_times_mean_what_they_mean_to_cron(time: str, words: str) -> None:
    entry = only(f"{time} run\n")

    assert entry.recurrence is not None
    assert entry.recurrence.describe() == f"{words} (UTC)"
    assert entry.command == "run"


@pytest.mark.parametrize(
    ("time", "is_named"),
    [
        ("0 1 10 * fri", lambda day: day.day == 10 or day.isoweekday() == 5),
        ("0 1 */10 * fri", lambda day: day.day in (1, 11, 21, 31) and day.isoweekday() == 5),
        ("0 1 */10 * *", lambda day: day.day in (1, 11, 21, 31)),
        ("0 1 1-15 * */6", lambda day: day.day <= 15 and day.isoweekday() in (6, 7)),
        ("-0 1 */2 * mon", lambda day: day.day % 2 == 1 and day.isoweekday() == 1),
    ],
)
def test_days_match_either_unless_a_day_field_starts_with_a_star(
    time: str, is_named: Callable[[datetime], bool]
) -> None:
    entry = only(f"{time} run\n")
    at_one = [NEW_YEAR + timedelta(days=day, hours=1) for day in range(365)]

    assert entry.recurrence is not None
    named = [day for day in at_one if is_named(day)]
    assert moments(entry.recurrence, NEW_YEAR, len(named)) == named


@pytest.mark.parametrize(
    ("time", "same"),
    [
        ("*/60 * * * *", "0 * * * *"),
        ("10-20/15 * * * *", "10 * * * *"),
        ("0 */24,5 * * *", "0 0,5 * * *"),
        ("0 0 1 jan-mar/3 *", "0 0 1 1 *"),
    ],
)
def test_a_step_longer_than_its_range_names_the_first_and_says_so(time: str, same: str) -> None:
    entry, plain = only(f"{time} run\n"), only(f"{same} run\n")

    assert entry.recurrence == plain.recurrence
    assert "the step is longer than its range" in entry.warnings[0]


def test_reboot_is_an_entry_without_a_calendar() -> None:
    entry = only("@reboot run\n")

    assert (entry.recurrence, entry.when, entry.command) == (None, "@reboot", "run")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("61 * * * * run", "61 in minute is out of range"),
        ("* * * run", "five time fields and a command"),
        ("* * * * run", "'RUN' in day-of-week"),
        ("* * * * *", "there is no command"),
        ("@daily", "there is no command"),
        ("* * * * * %input", "there is no command"),
        ("* * * * * * run", "six time fields"),
        ("0 22-2 * * * run", "runs backwards"),
        ("0 0 * * fri-sun run", "runs backwards"),
        ("0~59 * * * * run", "is cronie's"),
        ("0 0 ? * * run", "Quartz"),
        ("@every_minute run", "write * * * * * instead"),
        ("@300 run", "--every"),
        ("@every 5m run", "--every"),
        ("@AppleNotOnBattery run", "macOS"),
        ("@fortnightly run", "known are @reboot"),
        ("- 5 * * * run", "in minute"),
        ("nonsense", "neither NAME=value nor"),
        ("X='open", "its quotes"),
        ('X="a" b', "its quotes"),
        ('X="a"b"', "its quotes"),
        ("CRON_TZ=Europe/Pariss", "Europe/Paris"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(line: str, told: str) -> None:
    assert told in reason(f"{line}\n")


def test_bad_lines_are_named_by_number_and_take_no_good_one_with_them() -> None:
    text = b"* * * * * one\n61 * * * * bad\n\xff\xfe * * * * bad\n* * * * * two\n* * * *\n@daily 3"

    crontab = read(text)

    assert [entry.command for entry in crontab.entries] == ["one", "two", "3"]
    assert [each.line for each in crontab.bad] == [2, 3, 5]


def test_a_day_that_does_not_exist_is_left_out_without_being_bad() -> None:
    crontab = read("0 0 31 2 * run\n0 0 30 feb * run\n")

    assert [each.line for each in crontab.passed] == [1, 2]
    assert crontab.bad == ()


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("A=b", "A", "b"),
        ("  A \t=  b c  ", "A", "b c"),
        ("A=", "A", ""),
        ('A=""', "A", ""),
        ("A=' b '", "A", " b "),
        ('A=" b\'s " ', "A", " b's "),
        ('"A"=b', "A", "b"),
        ("A=b=c", "A", "b=c"),
        ("A=b # c", "A", "b # c"),
        ("A=b'c", "A", "b'c"),
        ("A=$B:${C}", "A", "$B:${C}"),
    ],
)
def test_variables_are_read_as_they_stand(line: str, name: str, value: str) -> None:
    entry = only(f"{line}\n* * * * * run\n")

    assert entry.variables == {name: value}


def test_variables_hold_for_the_lines_below_them() -> None:
    entries = read("* * * * * a\nX=1\n* * * * * b\nX=2\nY=3\n* * * * * c\n").entries

    assert [entry.variables for entry in entries] == [{}, {"X": "1"}, {"X": "2", "Y": "3"}]


def test_an_entry_that_sets_a_variable_for_its_command_is_an_entry() -> None:
    assert only("0 5 * * * A=b run\n").command == "A=b run"


def test_logname_cannot_be_set() -> None:
    crontab = read("LOGNAME=root\n* * * * * run\n")

    assert crontab.entries[0].variables == {}
    assert "cannot be set" in crontab.remarks[0].text


def test_cron_tz_moves_the_lines_below_it_and_tz_does_not() -> None:
    text = "0 5 * * * a\nTZ=Asia/Tokyo\n0 5 * * * b\nCRON_TZ=Europe/Paris\n0 5 * * * c\n"

    crontab = read(text, zone="America/New_York")

    zones = [entry.recurrence.zone for entry in crontab.entries if entry.recurrence]
    assert zones == ["America/New_York", "America/New_York", "Europe/Paris"]
    assert crontab.entries[1].variables == {"TZ": "Asia/Tokyo"}
    assert [remark.line for remark in crontab.remarks] == [2]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("MAILTO=ann", "failures are shown by `onbeat jobs ls --state failed`"),
        ("RANDOM_DELAY=10", "no effect"),
        ("PATH=$HOME/bin:/bin", "does not expand"),
    ],
)
def test_what_is_expected_of_a_variable_in_vain_is_told(line: str, told: str) -> None:
    [remark] = read(f"{line}\n").remarks

    assert told in remark.text


def test_an_empty_mailto_expects_nothing() -> None:
    assert read('MAILTO=""\nMAILTO=\n').remarks == ()


def test_no_value_of_a_variable_is_ever_repeated() -> None:
    text = "MAILTO=s3cret\nTZ=s3cret\nA=$s3cret\nB='s3cret\nLOGNAME=s3cret\nRANDOM_DELAY=s3cret\n"

    crontab = read(text)

    assert len(crontab.remarks) == 5
    assert "s3cret" not in repr((crontab.remarks, crontab.passed, crontab.variables))


@pytest.mark.parametrize(
    ("rest", "command", "stdin"),
    [
        ("run", "run", ""),
        (r"date +\%s", "date +%s", ""),
        ("mail joe%Joe,%%Where?%", "mail joe", "Joe,\n\nWhere?\n"),
        ("cat%one", "cat", "one\n"),
        (r"cat%50\% off%", "cat", "50% off\n"),
        (r"cat%a\nb", "cat", "a\\nb\n"),
        (r"echo a\\b", r"echo a\b", ""),
        (r"echo \\%in", "echo \\", "in\n"),
        (r"echo \n", r"echo \n", ""),
        ("echo \\", "echo \\", ""),
        ("run # not a comment  ", "run # not a comment  ", ""),
        ("cat%", "cat", ""),
        ("cat%%", "cat", "\n"),
    ],
)
def test_the_first_bare_percent_ends_the_command(rest: str, command: str, stdin: str) -> None:
    entry = only(f"* * * * * {rest}\n")

    assert (entry.command, entry.stdin) == (command, stdin)
    assert bool(entry.warnings) == bool(stdin)


def test_a_system_crontab_names_the_user_after_the_time() -> None:
    entry = only("* * * * *\twww-data  run it\n", has_user=True)

    assert (entry.user, entry.command) == ("www-data", "run it")


@pytest.mark.parametrize("line", ["* * * * * root", "@daily root", "@daily"])
def test_a_system_crontab_needs_user_and_command(line: str) -> None:
    assert "a user and a command" in reason(f"{line}\n", has_user=True)


def test_a_command_that_looks_like_a_user_is_warned_of() -> None:
    assert "--user-field" in only("* * * * * root run\n").warnings[0]


def test_blank_lines_and_comments_say_nothing() -> None:
    crontab = read(b"\n  \n# * * * * * no\n  # no\n\t\n# \xff\xfe\0\n")

    assert (crontab.entries, crontab.passed, crontab.remarks) == ((), (), ())


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"* * * * * echo \xe9\n", "byte 16 is not UTF-8"),
        (b"* * * * * echo \0\n", "NUL"),
        (b"* * * * * " + b"a" * 70_000 + b"\n", "70,010 bytes"),
    ],
)
def test_bytes_that_cannot_be_kept_make_a_bad_line(raw: bytes, told: str) -> None:
    assert told in reason(raw)


def test_a_last_line_without_an_end_is_taken_with_a_warning() -> None:
    assert "no line end" in only("* * * * * run").warnings[0]


def test_ends_of_dos_are_taken_off_with_a_warning() -> None:
    crontab = read("A=b\r\n# c\r\n\r\n* * * * * run\r\n")

    assert crontab.entries[0].command == "run"
    assert crontab.entries[0].variables == {"A": "b"}
    assert ["CR LF" in text for text in crontab.entries[0].warnings] == [True]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert only("\ufeff* * * * * run\n").command == "run"


def names(text: str) -> list[str]:
    return schedule_names("tab", read(text).entries)


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("/usr/local/bin/backup.sh --all", "backup.sh"),
        ("[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean", "sessionclean"),
        ("test -x /a || { cd / && run-parts --report /etc/cron.daily; }", "run-parts"),
        ("cd /srv/app && ./manage.py clear", "manage.py"),
        ("if [ -x /usr/sbin/logcheck ]; then nice -n10 /usr/sbin/logcheck; fi", "logcheck"),
        ("command -v debian-sa1 > /dev/null && debian-sa1 1 1", "debian-sa1"),
        ("A=1 B=2 run", "run"),
        ("if [ $(date +\\%d) -le 7 ]; then checkarray; fi", "checkarray"),
        ("!!!", "command"),
        ("a" * 100, "a" * 40),
    ],
)
def test_a_name_tells_what_is_run(command: str, program: str) -> None:
    [name] = names(f"* * * * * {command}\n")

    assert name.startswith(f"tab:{program}-")


def test_a_name_does_not_depend_on_line_time_or_variables() -> None:
    assert names("* * * * * run a\n") == names("# moved\nX=1\n0 5 * * * run a\n")


def test_commands_that_differ_have_names_that_differ() -> None:
    assert len(set(names("* * * * * run a\n* * * * * run b\n* * * * * run a%in\n"))) == 3


def test_a_command_that_comes_again_is_numbered() -> None:
    first, second, third = names("0 1 * * * run\n0 2 * * * run\n0 3 * * * run\n")

    assert (second, third) == (f"{first}-2", f"{first}-3")
