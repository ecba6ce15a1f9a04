from __future__ import annotations

import pytest

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import cron

REFUSED = [
    ("", "cron", "0 fields"),
    ("* * * *", "cron", "4 fields"),
    ("* * * * * * *", "cron", "7 fields"),
    ("@reboot", "cron", "@daily"),
    ("@every 5m", "cron", "every('5m')"),
    ("60 * * * *", "cron", "60 in minute is out of range; use 0 to 59"),
    ("* 24 * * *", "cron", "24 in hour is out of range; use 0 to 23"),
    ("* * 0 * *", "cron", "0 in day-of-month is out of range; use 1 to 31"),
    ("* * * 13 *", "cron", "13 in month is out of range; use 1 to 12"),
    ("* * * * 8", "cron", "8 in day-of-week is out of range; use 0 to 7"),
    ("60 * * * * *", "cron", "60 in second"),
    ("-1 * * * *", "cron", "empty part"),
    ("1, * * * *", "cron", "empty part"),
    ("5- * * * *", "cron", "empty part"),
    ("1.5 * * * *", "cron", "'1.5' in minute is not known"),
    ("a * * * *", "cron", "write 0 to 59"),
    ("٣ * * * *", "cron", "in minute is not known"),
    ("* * * foo *", "cron", "JAN to DEC"),
    ("* * * * funday", "cron", "SUN to SAT"),
    ("* * ? * *", "cron", "Quartz's; write *"),
    ("*/0 * * * *", "cron", "no step"),
    ("*/ * * * *", "cron", "no step"),
    ("*/x * * * *", "cron", "no step"),
    ("*/60 * * * *", "cron", "use at most 59"),
    ("10-20/15 * * * *", "cron", "longer than its range; use at most 10"),
    ("5-5/2 * * * *", "cron", "leave the step out"),
    ("* 22-2 * * *", "cron", "write 22-23,0-2"),
    ("* * 28-1 * *", "cron", "write 28-31,1"),
    ("* * * * fri-sun", "cron", "write 5-7, for 7 is Sunday too"),
    ("* * * * FRI#6", "cron", "use 1 to 5"),
    ("* * * * FRI#0", "cron", "use 1 to 5"),
    ("* * * * L", "cron", "write 6 or 5L"),
    ("* * * * 9L", "cron", "9 in day-of-week"),
    ("* * 32W * *", "cron", "use 1 to 31"),
    ("* * L-31 * *", "cron", "use 1 to 30"),
    ("* * L-3W * *", "cron", "not known"),
    ("0 0 30 2 *", "cron", "day-of-month '30' does not occur in February"),
    ("0 0 31 4,6,9 *", "cron", "April or June or September"),
    ("0 0 31W 2,4 *", "cron", "never fire"),
    ("0 0 L-29 2 *", "cron", "never fire"),
    ("0 0 */2 * MON", "cron", "day_match='and' or 'or'"),
    ("0 0 13 * */2", "cron", "day_match='and' or 'or'"),
    ("0 0 */1 * MON", "cron", "day_match='and' or 'or'"),
    ("0," * 200 + "0 * * * *", "cron", "256 characters"),
    ("*/9999999999 * * * *", "cron", "no step"),
    ("0-99999 * * * *", "cron", "not known"),
]


@pytest.mark.parametrize(("expression", "field", "words"), REFUSED)
def test_a_wrong_expression_is_refused_with_the_part_and_the_remedy(
    expression: str, field: str, words: str
) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        cron(expression)

    assert refused.value.field == field
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"tz": "Europe/Pari"}, "tz", "did you mean 'Europe/Paris'?"),
        ({"tz": "europe/paris"}, "tz", "did you mean 'Europe/Paris'?"),
        ({"tz": "Paris"}, "tz", "did you mean 'Europe/Paris'?"),
        ({"tz": "New York"}, "tz", "did you mean 'America/New_York'?"),
        ({"tz": "+02:00"}, "tz", "IANA name"),
        ({"tz": "right/Europe/Paris"}, "tz", "known time zone"),
        ({"tz": "localtime"}, "tz", "known time zone"),
        ({"tz": "../../etc/passwd"}, "tz", "known time zone"),
        ({"tz": "Europe"}, "tz", "known time zone"),
        ({"tz": ""}, "tz", "known time zone"),
        ({"tz": None}, "tz", "known time zone"),
        ({"gap": "later"}, "gap", "after, skip or shift"),
        ({"fold": "last"}, "fold", "first, second or both"),
        ({"day_match": "xor"}, "day_match", "'and' or 'or'"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options: dict[str, str], field: str, words: str) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        cron("0 0 * * *", **options)  # type: ignore[arg-type]  # wrong ones are the point

    assert refused.value.field == field
    assert words in str(refused.value)


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(InvalidRecurrence, match="cron: 5 is not text"):
        cron(5)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("day_match", ["and", "or"])
def test_a_stepped_day_is_accepted_once_its_match_is_said(day_match: str) -> None:
    assert cron("0 0 */2 * MON", day_match=day_match).day_match == day_match  # type: ignore[arg-type]  # parametrized
