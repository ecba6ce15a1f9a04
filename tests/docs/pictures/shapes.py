"""Boxes and arrows as SVG, in the look of the other pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tests.docs.pictures.drawing import STYLE

INK, QUIET, BLUE, RED, GREEN = "#1f2328", "#59636e", "#3b5bdb", "#b3261e", "#1b7f4b"


@dataclass(frozen=True)
class Box:
    """A box with a title, and what is in it below."""

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: Sequence[str] = ()
    fill: str = "#f3f5f8"

    def drawn(self) -> str:
        """It as SVG."""
        middle = self.x + self.width / 2
        first = self.y + self.height / 2 + 5 - 9 * len(self.lines)
        parts = [
            f'<rect x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="6" '
            f'fill="{self.fill}" stroke="#9aa4ae"/>',
            f'<text x="{middle}" y="{first}" text-anchor="middle" class="b">'
            f"{escape(self.title)}</text>",
        ]
        for number, line in enumerate(self.lines, 1):
            parts.append(text(middle, first + 18 * number, line, anchor="middle", quiet=True))
        return "\n".join(parts)


def text(x: float, y: float, said: str, *, anchor: str = "start", quiet: bool = False) -> str:
    """A line of text."""
    look = ' class="q"' if quiet else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{look}>{escape(said)}</text>'


def arrow(path: str, colour: str = QUIET, *, dashes: bool = False) -> str:
    """A line along `path` with a head at its end."""
    dashed = ' stroke-dasharray="5 4"' if dashes else ""
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashed} '
        f'marker-end="url(#head{colour[1:]})"/>'
    )


def _head(colour: str) -> str:
    """The head of arrows of that colour."""
    return (
        f'<marker id="head{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0l8 4l-8 4z" fill="{colour}"/></marker>'
    )


def page(title: str, width: float, height: float, parts: Iterable[str]) -> str:
    """A whole picture."""
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">',
                f"<style>{STYLE}</style>",
                "<defs>",
                *map(_head, (INK, QUIET, BLUE, RED, GREEN)),
                "</defs>",
                f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
                f'<text x="16" y="24" class="b">{escape(title)}</text>',
                *parts,
                "</svg>",
            ]
        )
        + "\n"
    )
