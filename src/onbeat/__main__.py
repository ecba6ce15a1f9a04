"""`python -m onbeat`: the same as the command `onbeat`."""

from __future__ import annotations

from onbeat.cli.main import main

if __name__ == "__main__":
    main()
