"""Why something is done, as `--why` says it: kept for whoever asks later."""

from __future__ import annotations

from foldline.errors import UsageError

_LONGEST = 1_000


def sound_why(why: str) -> str:
    """The text, if it is one to keep. Raises `UsageError`."""
    if not why.strip():
        raise UsageError("--why is empty.", remedy="Say why: it is kept.")
    if len(why) > _LONGEST:
        raise UsageError(f"--why is longer than {_LONGEST} characters.", remedy="Name where more is written.")
    return sound_text(why)


def sound_text(text: str) -> str:
    """An argument that is UTF-8, as all that the tables and the log hold. Raises `UsageError`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("An argument is no UTF-8, and so nothing that the tables hold.") from None
    return text
