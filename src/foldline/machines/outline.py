"""What can be made out of a definition however broken it is: its names and their lines, for the rules between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foldline.machines.source import Location, Source


@dataclass(frozen=True, slots=True)
class Named:
    """A name where it stands."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """A transition as far as it is readable."""

    action: Named | None
    sources: tuple[Named, ...]
    to: Named | None


@dataclass(frozen=True, slots=True)
class Wish:
    """An intent as far as it is readable. `asks`: type, target, operation_type."""

    when: tuple[Named, ...]
    asks: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """The names of a definition. `states` is None where none can be read."""

    fsm_type: Named | None
    initial: Named | None
    states: tuple[Named, ...] | None
    arrows: tuple[Arrow, ...]
    wishes: tuple[Wish, ...]


def outline(source: Source) -> Outline:
    """Read the names of a definition; what is not of the right kind is left out, `shape` has reported it."""
    states = _at(source, ("states",))
    return Outline(
        fsm_type=_name(source, ("fsm_type",)),
        initial=_name(source, ("initial",)),
        states=tuple(Named(name, source.line(("states", name))) for name in states)
        if isinstance(states, dict)
        else None,
        arrows=tuple(
            Arrow(
                action=_name(source, (*entry, "action")),
                sources=_names(source, (*entry, "from")),
                to=_name(source, (*entry, "to")),
            )
            for entry in _entries(source, ("transitions",))
        ),
        wishes=tuple(
            Wish(
                when=_names(source, (*entry, "when")),
                asks=tuple(
                    name.text if (name := _name(source, (*entry, key))) else None
                    for key in ("type", "target", "operation_type")
                ),
            )
            for entry in _entries(source, ("intents",))
        ),
    )


def _at(source: Source, location: Location) -> object:
    value = source.tree
    for step in location:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _entries(source: Source, location: Location) -> list[Location]:
    entries = _at(source, location)
    return [(*location, index) for index in range(len(entries))] if isinstance(entries, list) else []


def _name(source: Source, location: Location) -> Named | None:
    value = _at(source, location)
    return Named(value, source.line(location)) if isinstance(value, str) else None


def _names(source: Source, location: Location) -> tuple[Named, ...]:
    one = _name(source, location)
    if one:
        return (one,)
    found = (_name(source, entry) for entry in _entries(source, location))
    return tuple(name for name in found if name)
