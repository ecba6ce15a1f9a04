"""Crontabs: the text of cron's tables read into entries, without a line being lost in silence."""

from onbeat.domain.crontab.entries import Crontab, Entry, Passed, Remark
from onbeat.domain.crontab.names import schedule_names
from onbeat.domain.crontab.reading import read_crontab

__all__ = ["Crontab", "Entry", "Passed", "Remark", "read_crontab", "schedule_names"]
