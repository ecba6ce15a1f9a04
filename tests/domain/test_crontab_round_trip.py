"""An entry that is written into a crontab is read back as it was."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from onbeat.domain.crontab import read_crontab

TRIED = settings(max_examples=300, deadline=None, derandomize=True)

TIMES = st.sampled_from(
    ["* * * * *", "*/5 0-6 1,15 * mon-fri", "59 23 31 12 7", "@daily", "@weekly", "@reboot"]
)
PRINTABLE = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
WORDS = st.text(PRINTABLE, min_size=1).filter(lambda text: text.strip() == text)
NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("LOGNAME", "CRON_TZ")
)
VALUES = st.text(PRINTABLE).filter(lambda text: "'" not in text)
BLANKS = st.sampled_from([" ", "\t", "  \t "])


@dataclass(frozen=True)
class Written:
    """An entry before it is written."""

    when: str
    user: str | None
    command: str
    inputs: tuple[str, ...]
    variables: dict[str, str]


@st.composite
def written(draw: st.DrawFn) -> Written:
    """Any entry that a crontab can hold."""
    command = draw(WORDS.filter(lambda text: not text.startswith("*")))
    return Written(
        when=draw(TIMES),
        user=draw(st.sampled_from([None, "root", "www-data"])),
        command=command,
        inputs=tuple(draw(st.lists(st.text(PRINTABLE, min_size=1).filter(_plain), max_size=3))),
        variables=draw(st.dictionaries(NAMES, VALUES, max_size=3)),
    )


def _plain(text: str) -> bool:
    """Whether it is its own input line: a backslash at the end would escape the next %."""
    return "\\" not in text


def _lines(entry: Written, blank: str) -> str:
    """The entry as somebody who knows crontab(5) would write it."""
    settings_above = [f"{name} = '{value}'\n" for name, value in entry.variables.items()]
    escaped = entry.command.replace("\\", "\\\\").replace("%", "\\%")
    given_input = "".join("%" + line.replace("%", "\\%") for line in entry.inputs)
    user = [] if entry.user is None else [entry.user]
    return "".join(settings_above) + blank.join([entry.when, *user, escaped]) + given_input + "\n"


@TRIED
@given(written(), BLANKS)
def test_what_is_written_is_read_back(entry: Written, blank: str) -> None:
    raw = _lines(entry, blank).encode()

    crontab = read_crontab(raw, has_user=entry.user is not None, zone="UTC")

    assert crontab.passed == ()
    [read] = crontab.entries
    assert (read.when, read.user, read.command) == (entry.when, entry.user, entry.command)
    assert read.stdin == "".join(f"{line}\n" for line in entry.inputs)
    assert read.variables == entry.variables


@TRIED
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_end_in_an_error_or_lose_a_line(raw: bytes, has_user: bool) -> None:
    crontab = read_crontab(raw, has_user=has_user, zone="UTC")

    told = {entry.line for entry in crontab.entries} | {each.line for each in crontab.passed}
    told |= {line for line, _ in crontab.variables}
    plain = enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
    stripped = ((number, line.removesuffix(b"\r").lstrip(b" \t")) for number, line in plain)
    assert told == {number for number, line in stripped if line and not line.startswith(b"#")}
