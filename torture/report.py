"""What people read: a line for each seed, and a table at the end."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from torture.points import Point
from torture.proxy import Blow
from torture.trial import Outcome

_SHOWN = 12
_GREAT = (
    "freeze",
    "leave",
    "database restart",
    "session ended",
    "broker kill",
    "deployed",
    "too old",
    "changed by hand",
    "redriven",
    "not redriven",
    "corrected",
    "not corrected",
    "usurped",
    "ended by themselves",
    "missed",
)


def line(outcome: Outcome) -> str:
    """One seed in one line."""
    done, facts = outcome.done, outcome.facts
    blows = {blow: sum(number for name, number in done.items() if name.startswith(f"{blow} at ")) for blow in Blow}
    parts = (
        f"{blows[Blow.KILL]} kills, {blows[Blow.FREEZE] + done['freeze']} freezes, {blows[Blow.SWALLOW]} swallowed",
        f"{blows[Blow.TERMINATE] + done['session ended']} sessions ended, {done['leave']} left",
        f"{done['database restart']} database restarts, {done['broker kill']} broker kills",
        f"{facts['partition claimed']} claims, {facts['partition fenced']} fenced, {facts['owner ended']} owners ended",
        f"{done['deployed']} deployed, {done['too old']} too old, {done['changed by hand']} changed by hand",
        f"{done['redriven']} redrives, {done['corrected']} corrected",
        f"{facts['batch retried']} retries, {done['ended by themselves']} ended by themselves",
    )
    head = f"seed {outcome.seed} ({outcome.conditions}): {outcome.records:,} records"
    return f"{head}; {'; '.join(parts)}; differences {len(outcome.differences)}; {outcome.seconds:.0f} s"


def again(seed: int, seconds: float, without: str | None) -> str:
    """The command that tries this seed in the same way."""
    words = ["python", "-m", "torture", "--seed", str(seed), "--seconds", f"{seconds:g}"]
    return shlex.join(words if without is None else [*words, "--without", without])


def faults(outcome: Outcome, command: str) -> str:
    """The first differences of a seed, and the command to see them again."""
    more = len(outcome.differences) - _SHOWN
    shown = [f"  {said[:600]}" for said in outcome.differences[:_SHOWN]]
    if more > 0:
        shown.append(f"  and {more:,} more")
    return "\n".join([*shown, f"  again: {command}"])


def table(outcomes: Sequence[Outcome]) -> Table:
    """What was done at which point, of all seeds together."""
    done = sum((outcome.done for outcome in outcomes), Counter[str]())
    shown = Table("before", *Blow, title=f"{len(outcomes)} seeds")
    for point in Point:
        shown.add_row(point, *(str(done[f"{blow} at {point}"] or "") for blow in Blow))
    for name in _GREAT:
        shown.add_row(name, str(done[name]))
    return shown
