"""What a failed assertion says: what became of the event instead, why, what to do, and what was before."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from foldline.core.decide import Reason
from foldline.dryrun import Judgment
from foldline.printable import printable

REJECTIONS = tuple(map(str, Reason))
UNDECODABLE = ("malformed", "invalid")
_SHOWN = 10


def require_reason(reason: object, known: Sequence[str]) -> None:
    """Raise TypeError or ValueError for what can be no reason, so that a slip in a test is not taken for a result."""
    __tracebackhide__ = True
    if not isinstance(reason, str):
        raise TypeError(f"the reason comes first, then the events; it is one of {', '.join(known)}")
    if reason not in known:
        near = get_close_matches(reason, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(known)}"
        raise ValueError(f"{reason} is no such reason; {hint}")


def unlike(wanted: str, judged: Judgment, before: Sequence[Judgment]) -> str:
    """The message for an event that did not end as it should; `before` is what was judged of the same subject."""
    found = str(judged.verdict) if judged.reason is None else f"{judged.verdict} ({judged.reason})"
    lines = [f"event {judged.offset}{_subject(judged)} is {found}, not {wanted}"]
    if judged.summary:
        lines.append(f"  {judged.summary}")
    if judged.remedy is not None:
        lines.append(f"  {f'{judged.field}: ' if judged.field is not None else ''}{judged.remedy}")
    lines += [f"  before it, event {each.offset}: {each.summary}" for each in before[-_SHOWN:]]
    return "\n".join(map(printable, lines))


def _subject(judged: Judgment) -> str:
    return f", {judged.subject}," if judged.subject is not None else ""
