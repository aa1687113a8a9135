"""Text of somebody else's as it may be shown: what could steer a terminal is written as an escape."""

from __future__ import annotations


def printable(text: str, *, keep: str = "") -> str:
    """The text with every character escaped that does not print, except those in `keep`."""
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
