"""The public API under two type checkers."""
