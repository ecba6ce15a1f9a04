"""A report as a file."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from onbeat.app.facts.reports import report_data, report_rows
from onbeat.domain.reports import Report
from onbeat.domain.spreadsheets import csv_lines
from onbeat.drawing.page import page


class ReportFormat(StrEnum):
    """What a report is written as."""

    JSON = "json"
    """All of it, for programs."""
    CSV = "csv"
    """A line for each task, schedule or queue, for spreadsheets."""
    HTML = "html"
    """A page with plots that needs nothing else."""

    @property
    def media_type(self) -> str:
        """As HTTP calls it."""
        return _TYPES[self]


_TYPES = {
    ReportFormat.JSON: "application/json",
    ReportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ReportFormat.HTML: "text/html; charset=utf-8",
}


def written(report: Report, form: ReportFormat, *, with_errors: bool) -> bytes:
    """The report as such a file; what errors say only `with_errors`."""
    if form is ReportFormat.HTML:
        return page(report, with_errors=with_errors)
    if form is ReportFormat.CSV:
        return csv_lines(report_rows(report)).encode()
    return msgspec.json.encode(report_data(report, with_errors=with_errors))
