"""The tables against what the oracle says that this log comes to. What differs is said in words, not counted only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise, zip_longest
from typing import Any

from oracle.projection import Letter, Place, Projected
from torture.stories import VERSIONS
from torture.tables import Row, Tables, exact, headers_of

VERDICTS = ("applied", "duplicate", "rejected", "undecodable")


def differences(projected: Projected, ends: Mapping[tuple[str, int], int], tables: Tables) -> Iterator[str]:
    """Every way in which the tables are not what the log comes to."""
    yield from _positions(projected, ends, tables)
    yield from _activations(projected, ends, tables)
    yield from _history(projected, tables)
    yield from _entities(projected, tables)
    yield from _workflows(projected, tables)
    yield from _timeline(projected, tables)
    yield from _letters(projected, tables)
    yield from _identities(projected, tables)


def _positions(projected: Projected, ends: Mapping[tuple[str, int], int], tables: Tables) -> Iterator[str]:
    expected = {
        where: {
            "next_offset": end,
            "begun_at": 0,
            "stopped_reason": None,
            **{verdict: projected.counts.get(where, Counter[str]())[verdict] for verdict in VERDICTS},
        }
        for where, end in ends.items()
    }
    yield from _compared(
        "position", expected, {(row.pop("topic"), row.pop("partition")): row for row in tables.positions}
    )


def _activations(projected: Projected, ends: Mapping[tuple[str, int], int], tables: Tables) -> Iterator[str]:
    """Every machine judges every partition of transitions from its first record on, then a newer version perhaps.

    Which one judged what is the workers' own record, by which the oracle has judged: so verdicts are compared with it.
    """
    found: dict[tuple[str, int, str], list[tuple[int, int]]] = {}
    for row in tables.activations:
        found.setdefault((row["topic"], row["partition"], row["fsm_type"]), []).append(
            (row["from_offset"], row["version"])
        )
    expected = {
        (topic, partition, name)
        for topic, partition in ends
        if topic != projected.workflow_topic and ends[topic, partition] > 0
        for name in projected.machines
    }
    if found.keys() != expected:
        yield f"activations: expected those of {len(expected)}, differing {sorted(found.keys() ^ expected)}"
    for where, activations in found.items():
        offsets, versions = zip(*sorted(activations), strict=True)
        known = [rules[where[2]].version for rules in VERSIONS]
        if offsets[0] != 0 or list(versions) != sorted({*versions} & {*known}):
            yield f"activations of {where}: {sorted(activations)}, of the versions {known}"


def _history(projected: Projected, tables: Tables) -> Iterator[str]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in tables.history:
        found.setdefault((row.pop("fsm_type"), row.pop("entity_id")), []).append(row)
    strays = projected.strays
    for key, expected in projected.entities.history.items():
        rows = found.pop(key, [])
        if key in strays:
            yield from _stray(key, {line[0] for line in expected}, rows)
            continue
        for line, row in zip_longest(expected, rows):
            wanted = _history_row(projected, line, row) if line else None
            yield from _row(f"history of {key}", wanted, row, ignore=("id",))
    for key, rows in found.items():
        yield f"history of {key}: none expected, found {len(rows)} rows"


def _history_row(projected: Projected, line: tuple[Any, ...], beside: Row | None) -> Row:
    place, action, from_state, to_state, success, duration, reason = line
    if place is None:  # changed by hand: when that was, and behind which record, nobody else knows
        named = ("place", "transitioned_at")
        told = {name: _said(beside[name]) for name in named} if beside else {}
        nothing = dict.fromkeys(
            ("reason", "error_message", "correlation_id", "event_id", "metadata", "definition_version")
        )
        moved = {"action": action, "from_state": from_state, "to_state": to_state}
        return {**nothing, **told, **moved, "success": success, "duration_ms": duration}
    event = projected.events[place]
    message = _Beginning(f"{reason}: ") if reason else event.get("error_message")
    return {
        "place": place,
        "action": action,
        "from_state": from_state,
        "to_state": to_state,
        "success": success,
        "duration_ms": duration,
        "reason": reason,
        "error_message": message,
        "transitioned_at": event["occurred_at"],
        "correlation_id": event["correlation_id"],
        "event_id": event["event_id"],
        "metadata": exact(event.get("metadata")),
        "definition_version": projected.versions[place],
    }


def _stray(key: tuple[str, str], places: set[Place], rows: list[Row]) -> Iterator[str]:
    """On two partitions: every event is applied once, each partition's in its order, and the hops are one chain."""
    found = [row["place"] for row in rows]
    if sorted(found) != sorted(places):
        yield f"history of {key}, which strays: {len(places)} events, {len(found)} rows"
    for partition in {place[:2] for place in found}:
        own = [place for place in found if place[:2] == partition]
        if own != sorted(own):
            yield f"history of {key}, which strays: events of {partition} are not in their order"
    for before, row in pairwise(rows):
        if row["from_state"] != before["to_state"]:
            starts = f"{row['place']} starts from {row['from_state']}, not {before['to_state']}"
            yield f"history of {key}, which strays: {starts}"


def _entities(projected: Projected, tables: Tables) -> Iterator[str]:
    expected = {}
    for key, row in projected.entities.rows.items():
        hops = [line for line in projected.entities.history[key] if line[4]]
        from_state = hops[-1][2]
        place = [line[0] for line in hops if line[0] is not None][-1]  # changes by hand are of no record
        expected[key] = {
            "current_state": row.state,
            "previous_state": from_state,
            "transition_timestamp": row.since.isoformat(),
            "metadata": exact(projected.events[place].get("metadata")),
            "retry_count": row.retries,
            "kept_lease_id": row.lease["lease_id"] if row.lease else None,
            "kept_lease_epoch": row.lease["lease_epoch"] if row.lease else None,
            "place": place,
        }
    found = {(row.pop("fsm_type"), row.pop("entity_id")): row for row in tables.entities}
    for key in projected.strays:
        expected.pop(key, None)
        found.pop(key, None)
    yield from _compared("entity", expected, found)


def _workflows(projected: Projected, tables: Tables) -> Iterator[str]:
    columns = ("operation_type", "entity_id", "status", "current_step", "completed_steps", "started_at", "completed_at",
               "duration_ms", "correlation_id", "input_payload", "output_results", "error_message", "retry_count",
               "failed_step", "metadata", "last_event_at", "place")  # fmt: skip
    expected = {}
    for key, row in projected.workflows.rows.items():
        lease = row.get("lease") or {}
        expected[key] = {name: _said(row.get(name)) for name in columns} | {
            "kept_lease_id": lease.get("lease_id"),
            "kept_lease_epoch": lease.get("lease_epoch"),
        }
    yield from _compared("workflow", expected, {row.pop("workflow_id"): row for row in tables.workflows})


def _timeline(projected: Projected, tables: Tables) -> Iterator[str]:
    names = ("place", "kind", "step", "occurred_at", "correlation_id", "event_id", "error_message", "payload")
    found: dict[str, list[Row]] = {}
    for row in tables.timeline:
        found.setdefault(row.pop("workflow_id"), []).append(row)
    for key, lines in projected.workflows.timeline.items():
        for line, row in zip_longest(lines, found.pop(key, [])):
            expected = dict(zip(names, map(_said, line), strict=True)) if line else None
            yield from _row(f"timeline of {key}", expected, row, ignore=("id",))
    for key, rows in found.items():
        yield f"timeline of {key}: none expected, found {len(rows)} rows"


def _letters(projected: Projected, tables: Tables) -> Iterator[str]:
    expected = {
        place: _letter(letter, *projected.answers.get(place, ("open", (None, None, None))))
        for place, letter in projected.letters.items()
    }
    found = {row.pop("place"): row | {"headers": headers_of(row["headers"])} for row in tables.letters}
    yield from _compared("dead letter", expected, found)


def _letter(letter: Letter, status: str, answer: tuple[str | None, int | None, int | None]) -> Row:
    event, record = letter.event or {}, letter.record
    return {
        "verdict": letter.verdict,
        "reason": letter.reason,
        "detail": _Beginning(*(f"{path}: " for path in letter.details)),
        "fsm_type": event.get("fsm_type"),
        "entity_id": event.get("entity_id") if "fsm_type" in event else None,
        "workflow_id": event.get("workflow_id"),
        "correlation_id": event.get("correlation_id"),
        "event_id": event.get("event_id"),
        "key": record.key,
        "value": record.value,
        "headers": record.headers,
        "record_timestamp_ms": record.timestamp_ms,
        "status": status,
        **dict(zip(("answered_topic", "answered_partition", "answered_offset"), answer, strict=True)),
    }


def _identities(projected: Projected, tables: Tables) -> Iterator[str]:
    verdicts = Counter([*projected.entities.verdicts.values(), *projected.workflows.verdicts.values()])
    for verdict, rejected in (("applied", False), ("rejected", True)):
        found = tables.identities.get(rejected, 0)
        if found != verdicts[verdict]:
            yield f"identities: expected {verdicts[verdict]} {verdict}, found {found}"


class _Beginning:
    """Equal to any text that begins with one of these: how a reason is explained is not laid down."""

    def __init__(self, *beginnings: str) -> None:
        self._beginnings = beginnings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and (not self._beginnings or other.startswith(self._beginnings))

    __hash__ = None  # type: ignore[assignment]  # equal to many

    def __repr__(self) -> str:
        return f"{self._beginnings} …"


def _compared(what: str, expected: Mapping[Any, Row], found: Mapping[Any, Row]) -> Iterator[str]:
    for key in expected.keys() | found.keys():
        yield from _row(f"{what} {key}", expected.get(key), found.get(key))


def _row(what: str, expected: Row | None, found: Row | None, *, ignore: tuple[str, ...] = ()) -> Iterator[str]:
    if found is None or expected is None:
        yield f"{what}: expected {expected}, found {found}"
        return
    for name in expected.keys() | found.keys() - set(ignore):
        there = _said(found.get(name))
        if expected.get(name) != there:
            yield f"{what}: {name} is {there!r}, not {expected.get(name)!r}"


def _said(value: object) -> object:
    """Times as text, JSON as it compares."""
    return value.isoformat() if hasattr(value, "isoformat") else exact(value)
