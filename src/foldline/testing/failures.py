"""What a failed assertion says: what became of the event instead, why, what to do, and what was before."""

from __future__ import annotations

from collections.abc import Sequence

from foldline.dryrun import Judgment
from foldline.printable import printable

_SHOWN = 10


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
