"""CSV that is read back as it was written, and carried out by nobody."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.spreadsheets import FORMULA_SIGNS, csv_lines


def read(text: str) -> list[list[str]]:
    """The rows of a CSV text."""
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", '=HYPERLINK("http://x")'],
)
def test_a_text_that_begins_like_a_formula_is_guarded(text: str) -> None:
    [[cell]] = read(csv_lines([[text]]))

    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["a=1", "1-1", "", "'=1", "ä", 'say "hi", then\r\ngo'])
def test_any_other_text_is_as_it_is(text: str) -> None:
    assert read(csv_lines([[text, "x"]])) == [[text, "x"]]


def test_a_number_below_zero_is_a_number() -> None:
    assert csv_lines([[-5, -0.5]]) == "-5,-0.5\r\n"


def test_what_is_no_text_is_json_and_nothing_is_empty() -> None:
    assert read(csv_lines([[None, True, ["a", 1], {"x": None}]])) == [
        ["", "true", '["a",1]', '{"x":null}']
    ]


def test_lines_end_as_rfc_4180_has_it() -> None:
    assert csv_lines([["a", "b"], ["c", "d,e"]]) == 'a,b\r\nc,"d,e"\r\n'


@given(st.lists(st.lists(st.text(), min_size=2, max_size=4), max_size=5))
def test_whatever_is_written_is_read_back(rows: list[list[str]]) -> None:
    found = read(csv_lines(rows))

    plain = [[cell.replace("\0", "\ufffd") for cell in row] for row in rows]
    unguarded = [
        [
            cell[1:] if cell[1:].startswith(FORMULA_SIGNS) and cell[0] == "'" else cell
            for cell in row
        ]
        for row in found
    ]
    expected = [
        [
            cell[1:] if cell[1:].startswith(FORMULA_SIGNS) and cell[0] == "'" else cell
            for cell in row
        ]
        for row in plain
    ]
    assert unguarded == expected
    assert not any(cell.startswith(FORMULA_SIGNS) for row in found for cell in row)
