"""The public API under two type checkers."""  # noqa: A005 - mirrors what it is about
