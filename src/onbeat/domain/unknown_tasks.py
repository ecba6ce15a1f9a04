"""A task that is asked for by name and that nobody knows yet: mistyped, or ahead of its workers."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from onbeat.domain.user_schedules import BUILT_IN


def warning_of(task: str, known: Collection[str], *, with_names: bool) -> str | None:
    """What may not be what was meant, where tasks are `known` and this is none of them; the
    nearest of them is named only `with_names`.
    """
    names = [each for each in known if not each.startswith(BUILT_IN)]
    if not names or task in known:
        return None
    close = get_close_matches(task, names, n=1) if with_names else []
    meant = "".join(f" (is {each} meant?)" for each in close)
    return f"no worker that was here has a task {task!r}{meant}; its jobs wait for one that has it"
