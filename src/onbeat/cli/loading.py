"""Finding the user's application: `package.module:name`, told clearly when it is not there."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType

from onbeat.app.onbeat import Onbeat
from onbeat.domain.errors import InvalidInput

OURS = f"{Path(__file__).parents[1]}{os.sep}"
"""Lines of our own code say nothing to the user about where the mistake is."""


def load_app(path: str) -> Onbeat:
    """Import the application; the working directory is looked in first. Raises InvalidInput."""
    module_name, separator, name = path.partition(":")
    if not module_name or not separator or not name:
        raise InvalidInput("app", f"{path!r} is not of the form module:name, such as shop:ob")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _import(module_name)
    found: object = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, Onbeat):
        raise InvalidInput("app", _complaint(module, name, found))
    return found


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise InvalidInput(
                "app", f"there is no module {missing!r} here or on the path; run this in the "
                "folder that holds it, or set PYTHONPATH",
            ) from error  # fmt: skip
        raise InvalidInput("app", _failure(name, error)) from error
    except BaseException as error:
        raise InvalidInput("app", _failure(name, error)) from error


def _complaint(module: ModuleType, name: str, found: object) -> str:
    there = [key for key, value in vars(module).items() if isinstance(value, Onbeat)]
    instead = f"; it has {', '.join(there)}" if there else "; make one there: ob = Onbeat()"
    if found is None:
        return f"module {module.__name__!r} has no {name!r}{instead}"
    return f"{module.__name__}:{name} is a {type(found).__name__}, not an Onbeat{instead}"


def _failure(name: str, error: BaseException) -> str:
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"importing {name!r} failed with {told} ({_place(error)})"


def _place(error: BaseException) -> str:
    """Where the error is: its own line where it has one, else the innermost of the user's lines."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}:{error.lineno}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and not frame.filename.startswith(OURS)
    ]
    theirs = [frame for frame in frames if "site-packages" not in frame.filename]
    if not frames:
        return "no line known"
    chosen = (theirs or frames)[-1]
    return f"{_shown(chosen.filename)}:{chosen.lineno}"


def _shown(filename: str) -> str:
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative
