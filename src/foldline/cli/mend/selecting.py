"""Which dead letters a command is about: options that several commands share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated

import typer

from foldline.cli.reasons import sound_text
from foldline.core.times import parse_time
from foldline.errors import UnfinishedError, UsageError
from foldline.postgres.letters import Letters, Selection

Ids = Annotated[
    list[int] | None, typer.Option("--id", metavar="ID", min=1, max=2**63 - 1, help="Only this one; may be repeated.")
]
Entity = Annotated[
    str | None, typer.Option("--entity", metavar="ID", help="Only those of the entity, or workflow, with this id.")
]
WithReason = Annotated[str | None, typer.Option("--reason", help="Only those with this reason.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only those recorded since, as 2026-01-31T12:00:00Z.")
]
Everything = Annotated[bool, typer.Option("--all", help="All of them; needed if nothing else says which.")]

WAITING = ("open",)
WAITING_OR_REDRIVEN = ("open", "redriven")


def selected(
    ids: list[int] | None,
    entity: str | None,
    reason: str | None,
    since: str | None,
    *,
    everything: bool,
    statuses: tuple[str, ...] | None = None,
) -> Selection:
    """What fits all of these; by default what is open, and of those named by their id what is redriven, too.

    Raises:
        UsageError: nothing says which dead letters, or a time is none.
    """
    if not (ids or entity is not None or reason is not None or since is not None or everything):
        raise UsageError(
            "Nothing says which dead letters.",
            remedy="Give --id, --entity, --reason or --since, which may be combined, or --all.",
        )
    return Selection(
        statuses or (WAITING_OR_REDRIVEN if ids else WAITING),
        tuple(dict.fromkeys(ids)) if ids else None,
        None if entity is None else sound_text(entity),
        None if reason is None else sound_text(reason),
        None if since is None else _time(since),
    )


def all_of_those_named(
    letters: Letters, asked: Selection, taken: Collection[int], done: str, why: Mapping[int, str] = MappingProxyType({})
) -> None:
    """See that each letter that was named by its id was taken; `why` is what is known of some that were not.

    Raises:
        UnfinishedError: one was not.
    """
    left = [why.get(number) or _why_not(letters, number) for number in asked.ids or () if number not in taken]
    if left:
        raise UnfinishedError(
            f"Not {done}: {'; '.join(left)}.", remedy="`foldline deadletters show` says more of each."
        )


def _why_not(letters: Letters, number: int) -> str:
    letter = letters.show(number)
    if letter is None:
        return f"there is no dead letter {number}"
    return f"dead letter {number} is {letter.status}, or is not what the other options say"


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise UsageError(
            f"--since: {error}.", remedy="Write a time with its offset, as 2026-01-31T12:00:00Z."
        ) from None
