"""Elements of a page, built as a tree: what is text stays text, whatever is in it."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, tostring

Content = Element | str | None

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML has no place for (HTML Living Standard §13.1.4)."""


def el(tag: str, *content: Content, **attributes: str | float) -> Element:
    """An element with texts and elements in it.

    Of attributes `class_` is `class`, and `_` stands for `-`; numbers have one decimal.
    """
    made = Element(tag, {_name(name): _value(each) for name, each in attributes.items()})
    for each in content:
        if isinstance(each, str):
            _append_text(made, _UNWRITABLE.sub("\ufffd", each))
        elif each is not None:
            made.append(each)
    return made


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return _UNWRITABLE.sub("\ufffd", value) if isinstance(value, str) else f"{value:.1f}"


def _append_text(made: Element, text: str) -> None:
    if len(made):
        made[-1].tail = (made[-1].tail or "") + text
    else:
        made.text = (made.text or "") + text


def html(root: Element) -> bytes:
    """The page."""
    written: bytes = tostring(root, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + written + b"\n"
