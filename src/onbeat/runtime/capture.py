"""What jobs write with `logging` is kept in the logs of their attempts."""

from __future__ import annotations

import logging
from typing import Any

from onbeat.runtime.hiding import tell_unwritable
from onbeat.runtime.run import current_run


class CaptureHandler(logging.Handler):
    """Puts what a running job writes with `logging` into its attempt's log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record as a line, if a job wrote it; one that cannot be formatted is no error."""
        run = current_run.get()
        if run is None:
            return
        try:
            fields: dict[str, Any] = {"logger": record.name}
            if record.exc_info:
                fields["exception"] = logging.Formatter().formatException(record.exc_info)
            run.log.line(record.levelname.lower(), record.getMessage(), fields)
        except Exception:
            tell_unwritable(record)
