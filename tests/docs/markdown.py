"""What a page of Markdown links to, and what it can be linked by, as GitHub shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*/README.md"),
        *ROOT.glob("benchmarks/README.md"),
        *ROOT.glob("deploy/**/README.md"),
    ]
)

FENCE = re.compile(r"^( *)```(.*?)\n.*?^\1```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?) *#*$", re.M)
ANCHOR = re.compile(r'<a (?:id|name)="([^"]+)"')


def fences(page: str) -> Iterator[str]:
    """What stands behind each opening fence."""
    for found in FENCE.finditer(page):
        yield found[2].strip()


def prose(page: str) -> str:
    """The page without its blocks of code."""
    return FENCE.sub("", page)


def links(page: str) -> list[str]:
    """All targets of links and pictures, but not those that are shown as code."""
    return LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page)))


def anchors(page: str) -> set[str]:
    """What may stand behind `#` in a link to it."""
    text = prose(page)
    found: set[str] = set(ANCHOR.findall(text))
    seen: Counter[str] = Counter()
    for heading in HEADING.findall(text):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def slug(heading: str) -> str:
    """As GitHub makes it: small letters, no punctuation, a dash for each space."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def broken(path: Path) -> Iterator[str]:
    """The links of a page that lead nowhere, each with what is missing."""
    page = path.read_text()
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists():
            yield f"{link}: there is no such file"
        elif place and not target.is_relative_to(ROOT):
            yield f"{link}: it leads out of the repository"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
            yield f"{link}: there is no such heading"


def reached(first: Path) -> set[Path]:
    """All pages that can be come to from one, link by link."""
    found, left = {first}, [first]
    while left:
        path = left.pop()
        for link in links(path.read_text()):
            target = (path.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file() and target not in found:
                found.add(target)
                left.append(target)
    return found
