"""Files as companies send them, and what is made of them."""

from __future__ import annotations

import pytest
from examples.csv_pipeline.reading import BrokenFile, read
from examples.csv_pipeline.sessions import BadRow, session_of

VERSION = "2027-03-02T00:00:00+00:00"
HEADER = "session_id,started_at,message"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_file_is_read_in_whatever_encoding_and_with_whatever_delimiter(
    encoding: str, delimiter: str
) -> None:
    lines = [["session_id", "started_at", "message"], ["1", "2027-03-01", "Zoë is möde"]]
    text = "\r\n".join(delimiter.join(each) for each in lines)

    [row] = read(text.encode(encoding)).rows

    assert row.fields["message"] == "Zoë is möde"


def test_columns_are_known_by_many_names_in_any_order_and_others_are_left() -> None:
    found = read(b"Nachricht;Kanal;Sitzung;Beginn\nhallo;mail;7;01.03.2027 08:00")

    assert found.ignored == ("kanal",)
    assert found.rows[0].fields == {
        "message": "hallo", "session_id": "7", "started_at": "01.03.2027 08:00",
    }  # fmt: skip


def test_a_quoted_message_has_lines_and_quotes_of_its_own() -> None:
    [row] = read(f'{HEADER}\n1,2027-03-01,"two\nlines, ""urgent"""'.encode()).rows

    assert row.fields["message"] == 'two\nlines, "urgent"'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1,2027-03-01,a,b", "it has 4 fields, the header 3"),
        ("1,2027-03-01,", "message: missing"),
        ("1", "started_at, message: missing"),
        ('1,2027-03-01,"a"b', "quoting: "),
    ],
)
def test_a_row_that_is_wrong_is_told_and_stops_no_other(line: str, problem: str) -> None:
    found = read(f"{HEADER}\n{line}\n\n2,2027-03-01,fine".encode()).rows

    assert [each.problem is None for each in found] == [False, True]
    assert (found[0].problem or "").startswith(problem)


def test_a_row_that_cannot_be_told_apart_is_kept_as_it_stands() -> None:
    found = read(f'{HEADER}\n1,2027-03-01,"a"b\r\n2,2027-03-01,a,"b\nc"'.encode()).rows

    assert [each.fields for each in found] == [
        {"raw": '1,2027-03-01,"a"b'}, {"raw": '2,2027-03-01,a,"b\nc"'},
    ]  # fmt: skip


def test_a_message_of_a_hundred_thousand_characters_is_a_row() -> None:
    message = "long " * 40_000

    [row] = read(f"{HEADER}\n1,2027-03-01,{message}".encode()).rows

    assert (row.problem, row.fields["message"]) == (None, message.strip())


def test_of_two_columns_that_are_ours_the_better_known_name_counts() -> None:
    found = read(b"session_id,started_at,message,text,id\n7,2027-03-01,hello,longer,99")

    assert (found.rows[0].fields["session_id"], found.rows[0].fields["message"]) == ("7", "hello")
    assert found.ignored == ("text", "id")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\x89PNG\x00\x00", "zero bytes"),
        (b"name,town\nAnn,Bath", "its header has no session_id, started_at, message"),
        (f'{HEADER}\n1,2027-03-01,"never closed\n2,2027'.encode(), "never closed"),
        (f'{HEADER}\n1,2027-03-01,"never closed'.encode(), "never closed"),
        (
            f'{HEADER}\n1,2027-03-01,"open\n2,2027-03-01,a\n3,2027-03-01,"b"'.encode(),
            "quote in row 2",
        ),
        (b"\x81\x8d\xff", "neither UTF-8 nor cp1252"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(content: bytes, told: str) -> None:
    with pytest.raises(BrokenFile, match=told):
        read(content)


@pytest.mark.parametrize(
    "text",
    ["2027-03-01T08:30:00+01:00", "01.03.2027 07:30", "03/01/2027 07:30 AM", "2027-03-01 07:30"],
)
def test_a_moment_is_read_as_programs_write_it(text: str) -> None:
    fields = {"session_id": "1", "started_at": text, "message": "a"}

    assert session_of(fields, VERSION).started_at == "2027-03-01T07:30:00+00:00"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"started_at": "31.02.2027"}, "started_at: '31.02.2027' is no moment"),
        ({"country": "Germany"}, "country: 'Germany' has not two letters"),
        ({"rating": "6"}, "rating: '6' is not 1 to 5"),
        ({"rating": "1" * 5000}, "rating: '1+' is not 1 to 5"),
        ({"started_at": "0001-01-01T00:00:00+01:00"}, "is no moment"),
        ({"session_id": "1\0"}, "session_id: there is a zero character"),
        ({"session_id": "x" * 101}, "session_id: it is longer"),
    ],
)
def test_a_row_that_is_no_session_says_which_field_is_wrong(
    wrong: dict[str, str], told: str
) -> None:
    with pytest.raises(BadRow, match=told):
        session_of({"session_id": "1", "started_at": "2027-03-01", "message": "a", **wrong}, "")
