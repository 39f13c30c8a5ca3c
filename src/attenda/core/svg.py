"""The frame of a picture as SVG text: its size, and in words what it shows.

What stands inside is its maker's, who escapes it. Colours are the page's own (`currentColor`), so
that a picture holds in the dark.
"""

from collections.abc import Sequence
from html import escape
from unicodedata import east_asian_width

__all__ = ["short_text", "svg_picture", "text_width"]


def svg_picture(width: int, height: int, about: str, body: Sequence[str]) -> str:
    """A picture of `width` × `height` pixels.

    Args:
        width: of it, in pixels.
        height: of it, in pixels.
        about: what it shows, in words; escaped here.
        body: its parts, markup as it goes in.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-size="12" fill="currentColor">'
        f"<title>{escape(about)}</title>{''.join(body)}</svg>"
    )


def text_width(text: str) -> int:
    """How wide a text is, in half-widths; a Han character takes two."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def short_text(text: str, most: int) -> str:
    """A text cut to so many half-widths; a Han character takes two."""
    wide = 0
    for at, one in enumerate(text):
        wide += text_width(one)
        if wide > most:
            return f"{text[: max(1, at - 1)]}…"
    return text
