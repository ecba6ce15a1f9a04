"""Crontabs in the forms that Debian's packages install: every entry is read, and none is bad.

The lines are written for this test, and keep of those of cron, anacron, php-common, e2fsprogs,
sysstat, mdadm, munin, logcheck and certbot what is worth reading: tests before the command,
escaped percents, tabs, leading zeros, quotes, substitutions, comments, variables between lines.
"""

from __future__ import annotations

import pytest

from onbeat.domain.crontab import read_crontab, schedule_names

SYSTEM = """\
# /etc/crontab: a user stands before the command

SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# .---------------- minute (0 - 59)
# *  *  *  *  * user-name command to be executed
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
47 6\t* * 7\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }
52 6\t1 * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }
#
"""
ANACRON = "30 7-23 * * *   root\t[ -x /etc/init.d/a ] && if [ ! -d /run/s ]; then a start; fi\n"
PHP = "09,39 *     * * *     root   [ -x /usr/lib/php/clean ] && if true; then clean; fi\n"
SCRUB = "30 3 * * 0 root test -e /run/s || SERVICE_MODE=1 /sbin/scrub_cron\n10 3 * * * root t -A\n"
SYSSTAT = (
    "PATH=/usr/lib/s:/usr/sbin\n\n5-55/10 * * * * root command -v sa > /dev/null && sa 1 1\n"
    "59 23 * * * root command -v sa > /dev/null && sa 60 2\n"
)
MDADM = "57 0 * * 0 root if [ -x /c ] && [ $(date +\\%d) -le 7 ]; then /c --cron; fi\n"
MUNIN = (
    "MAILTO=root\n\n*/5 * * * *     munin if [ -x /m ]; then /m; fi\n"
    "27 03 * * *     munin d=$({ cat /m/*.conf || true; } | sed -nE 's/^\\s*d\\s+(\\S.*)$/\\1/p' | "
    'tail -1); d=${d:-/var}; if [ -d "$d" ]; then find "$d/" -type f -mtime +30 -delete; fi\n'
)
LOGCHECK = (
    "MAILTO=root\n@reboot         logcheck    if [ -x /l ]; then nice -n10 /l -R; fi\n"
    "2 * * * *       logcheck    if [ -x /l ]; then nice -n10 /l; fi\n\n# EOF\n"
)
CERTBOT = (
    "0 */12 * * * root test -x /c -a \\! -d /run/s && perl -e 'sleep int(rand(43200))' && c -q\n"
)


def described(text: str) -> list[str]:
    """The entries' times in words; none of them may be bad or left out."""
    crontab = read_crontab(text.encode(), has_user=True, zone="Europe/Paris")
    assert crontab.passed == ()
    assert [entry.warnings for entry in crontab.entries] == [()] * len(crontab.entries)
    return [
        entry.recurrence.describe().partition(" (")[0] if entry.recurrence else "@reboot"
        for entry in crontab.entries
    ]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        (
            SYSTEM,
            [
                "at minute 17 of every hour",
                "at 06:25 every day",
                "at 06:47 on Sunday",
                "at 06:52 on day 1 of the month",
            ],
        ),
        (ANACRON, ["at minute 30 at hours 7 to 23 every day"]),
        (PHP, ["at minutes 9 and 39 of every hour"]),
        (SCRUB, ["at 03:30 on Sunday", "at 03:10 every day"]),
        (SYSSTAT, ["at minutes 5, 15, 25, 35, 45 and 55 of every hour", "at 23:59 every day"]),
        (MDADM, ["at 00:57 on Sunday"]),
        (MUNIN, ["every 5 minutes", "at 03:27 every day"]),
        (LOGCHECK, ["@reboot", "at minute 2 of every hour"]),
        (CERTBOT, ["at minute 0 at hours 0 and 12 every day"]),
    ],
)
def test_the_times_of_a_system_crontab_are_those_of_cron(text: str, times: list[str]) -> None:
    assert described(text) == times


def command(text: str, place: int = 0) -> str:
    return read_crontab(text.encode(), has_user=True, zone="UTC").entries[place].command


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        (MDADM, 0, "$(date +%d) -le 7"),
        (MUNIN, 1, "sed -nE 's/^\\s*d\\s+(\\S.*)$/\\1/p'"),
        (CERTBOT, 0, "-a \\! -d"),
        (SYSTEM, 1, "|| { cd / && run-parts --report /etc/cron.daily; }"),
    ],
)
def test_the_command_is_what_cron_gives_the_shell(text: str, place: int, part: str) -> None:
    assert part in command(text, place)


def test_names_within_a_crontab_differ() -> None:
    entries = read_crontab(SYSTEM.encode(), has_user=True, zone="UTC").entries

    names = schedule_names("crontab", entries)

    assert len(set(names)) == 4
    assert all(name.startswith("crontab:run-parts-") for name in names)
