"""Secrets are hidden by their place, and by their value in whatever form it is written."""

from __future__ import annotations

import base64
import json
import re
import traceback
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onbeat.domain.secrets import HIDDEN, Path, Scrub, mask, values_at

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
LONG = st.text(min_size=4).filter(lambda text: text.strip() == text and "*" not in text)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("token",), {"token": "***", "cards": [{"n": "1"}, {"n": "2"}], "by": {"a": "x"}}),
        (("cards", "*", "n"), {"token": "t", "cards": [{"n": "***"}] * 2, "by": {"a": "x"}}),
        (("cards",), {"token": "t", "cards": "***", "by": {"a": "x"}}),
        (("by", "*"), {"token": "t", "cards": [{"n": "1"}, {"n": "2"}], "by": {"a": "***"}}),
        (("missing",), {"token": "t", "cards": [{"n": "1"}, {"n": "2"}], "by": {"a": "x"}}),
        (("token", "n"), {"token": "***", "cards": [{"n": "1"}, {"n": "2"}], "by": {"a": "x"}}),
    ],
)
def test_a_place_is_hidden_and_nothing_else(path: Path, shown: Any) -> None:
    told = {"token": "t", "cards": [{"n": "1"}, {"n": "2"}], "by": {"a": "x"}}

    assert json.loads(mask(json.dumps(told), [path])) == shown


def test_what_cannot_be_read_is_hidden_whole() -> None:
    assert mask('{"token": "hunter', [("token",)]) == '"***"'


def test_without_secrets_the_text_is_left_as_it_is() -> None:
    assert mask('{"a":  1}', []) == '{"a":  1}'


@given(LONG, JSON)
def test_a_hidden_value_is_in_no_masked_text(value: str, beside: Any) -> None:
    assume(value not in json.dumps(beside, ensure_ascii=False))
    text = json.dumps({"secret": value, "list": [{"secret": value}], "beside": beside})

    shown = json.loads(mask(text, [("secret",), ("list", "*", "secret")]))

    assert shown == {"secret": HIDDEN, "list": [{"secret": HIDDEN}], "beside": beside}


@given(LONG)
def test_a_value_is_hidden_in_every_form_it_is_likely_to_have(value: str) -> None:
    scrub = Scrub([value])
    forms = [
        value, repr(value)[1:-1], json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe=""), quote_plus(value),
    ]  # fmt: skip

    assert [scrub.text(f"<{form}>") for form in forms] == ["<***>"] * len(forms)


@given(st.binary(min_size=6))
def test_bytes_are_hidden_as_they_are_kept_and_as_they_are_shown(value: bytes) -> None:
    assume(repr(value)[2:-1].strip())
    kept = base64.b64encode(value).decode()

    shown = Scrub([kept]).text(f"<{kept}> <{value!r}>")

    assert shown.replace('"', "'") == "<***> <b'***'>"


def test_each_line_of_a_long_value_is_hidden() -> None:
    scrub = Scrub(["-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n-----END KEY-----"])

    assert scrub.text("line 2 is MIIEpAIBAAKCAQEA") == "line 2 is ***"


@pytest.mark.parametrize(
    ("values", "text", "shown"),
    [
        (["pin"], "the pin of pinterest", "the *** of pinterest"),
        ([1234], "PIN 1234 of 12345", "PIN *** of 12345"),
        (["1234"], "PIN 1234 of 12345", "PIN *** of 12345"),
        ([""], "nothing to hide", "nothing to hide"),
        (["  "], "a  b", "a  b"),
        (["long secret", "secret"], "a long secret", "a ***"),
        ([], "nothing", "nothing"),
        (
            ["x" * 80],
            f"[type=string, input_value='{'x' * 25}...{'x' * 24}', input_type=str]",
            "[type=string, input_value=***, input_type=str]",
        ),
    ],
)
def test_a_text_stays_readable_around_what_is_hidden(
    values: list[Any], text: str, shown: str
) -> None:
    assert Scrub(values).text(text) == shown


@given(st.integers(10_000) | LONG, JSON)
def test_a_value_is_hidden_in_json_wherever_it_is(value: Any, beside: Any) -> None:
    told = [value, {str(value): value}, {"in": [f"it is {value}"]}]

    shown = json.loads(Scrub([value]).json(json.dumps(told)))

    assert shown == [HIDDEN, {HIDDEN: HIDDEN}, {"in": [f"it is {HIDDEN}"]}]


def test_what_is_hidden_in_a_traceback_is_the_value_alone() -> None:
    try:
        raise KeyError("hunter-2")
    except KeyError as error:
        told = Scrub(["hunter-2"]).text("".join(traceback.format_exception(error)))

    assert told.endswith("KeyError: '***'\n")
    assert "test_what_is_hidden_in_a_traceback" in told


def test_values_are_found_at_their_places() -> None:
    told = {"a": "1", "b": [{"c": 2}, {"c": [3, None, True]}], "d": {"x": "4"}}

    found = values_at(told, [("a",), ("b", "*", "c"), ("d",), ("missing", "x")])

    assert list(found) == ["1", 2, 3, "4"]


@pytest.mark.parametrize(
    ("kept", "value"),
    [
        ("2027-03-01T12:05:00Z", datetime(2027, 3, 1, 12, 5, tzinfo=UTC)),
        ("1984-03-01", date(1984, 3, 1)),
        ("03:04:05", time(3, 4, 5)),
        ("P1DT46800S", timedelta(days=1, hours=13)),
        ("6e1a56b3-09e0-453e-97e6-4b16458ba67c", UUID("6e1a56b309e0453e97e64b16458ba67c")),
    ],
)
def test_a_moment_a_duration_and_a_uuid_are_hidden_as_python_shows_them(
    kept: str, value: Any
) -> None:
    scrub = Scrub([kept])

    assert scrub.text(f"it is {value}!") == "it is ***!"
    assert scrub.text(repr(value)).startswith(("***", "UUID('***')"))


def test_keys_that_are_secret_are_found_and_hidden() -> None:
    told = {"a": {"hunter-2": 1}}

    assert list(values_at(told, [("a", "#")])) == ["hunter-2"]
    assert json.loads(mask(json.dumps(told), [("a",), ("a", "#")])) == {"a": HIDDEN}


def test_variables_that_look_like_secrets_are_hidden_and_no_others() -> None:
    told = {"env": {"PATH": "/bin", "API_KEY": "hunter-2"}, "?": 1}

    assert list(values_at(told, [("env", "?")])) == ["hunter-2"]
    shown = json.loads(mask(json.dumps(told), [("env", "?")]))
    assert shown == {"env": {"PATH": "/bin", "API_KEY": HIDDEN}, "?": 1}


def lowered(url: str) -> str:
    return re.sub("%..", lambda found: found[0].lower(), url)


NESTED = "it's a \\ /ü😀\n\x1b"


@pytest.mark.parametrize(
    "text",
    [
        "it's", 'say "it\'s"', "C:\\new\\\\x", NESTED, "ab%25/c d", "\\\n\\'",
    ],
)  # fmt: skip
def test_a_value_is_hidden_however_it_is_written_and_written_again(text: str) -> None:
    beside = f"{text} \"'"
    told = [
        repr(beside), ascii(text), repr(text.encode()), repr(repr(beside)), repr([repr([text])]),
        str(KeyError(f"no {[text]}")), json.dumps(json.dumps([text])), f"{json.dumps([text])!r}",
        quote(text), quote(quote(text)), quote(text, safe="/'!$ "), lowered(quote(text)),
        json.dumps(text).replace("'", "\\u0027").replace("/", "\\/"),
        repr(base64.b64encode(text.encode())), base64.urlsafe_b64encode(text.encode()).decode(),
    ]  # fmt: skip

    shown = [Scrub([text]).text(each) for each in told]

    assert [each for each in shown if HIDDEN not in each] == []


def test_many_backslashes_take_no_longer_than_their_number() -> None:
    scrub = Scrub(["\\" * 40 + "'\\'" * 20 + "x"])

    assert scrub.text("\\" * 100_000) == "\\" * 100_000
