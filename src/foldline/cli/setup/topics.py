"""`foldline topics`: what the topics are and should be, and creating the missing ones."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from foldline.cli.here import here
from foldline.cli.output import AsJson, counted, duration, json_out, note, table_out
from foldline.cli.shapes import prints
from foldline.errors import LogError, UsageError
from foldline.kafka.topics import NO_EXPIRY, PARTITIONS, TopicReport, check_topics, create_topics


class Action(StrEnum):
    """What to do about the topics."""

    CHECK = "check"
    CREATE = "create"


@prints(list[TopicReport])
def topics(
    action: Annotated[Action, typer.Argument(help="Only look, or create what is missing.")] = Action.CHECK,
    *,
    partitions: Annotated[
        int | None, typer.Option(min=1, help=f"Of each topic that is created.  [default: {PARTITIONS}]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at the topics that are read and written; exits 1 if one is not as it should be."""
    if partitions is not None and action is Action.CHECK:
        raise UsageError("--partitions is for topics that are created.", remedy="Say `foldline topics create`.")
    place = here(kafka=True)
    settings = place.settings
    properties = place.kafka_properties
    incoming, outgoing = settings.topics, (settings.intent_topic, settings.deadletter_topic)
    if action is Action.CREATE:
        reports = create_topics(properties, incoming=incoming, outgoing=outgoing, partitions=partitions or PARTITIONS)
        _show(reports, as_json=as_json)
        for report in _faulty(reports):
            note(f"{report.name}: {report.problem}. {report.remedy}")
        return
    reports = check_topics(properties, incoming=incoming, outgoing=outgoing)
    _show(reports, as_json=as_json)
    if faulty := _faulty(reports):
        raise LogError(
            f"{len(faulty)} of {counted(len(reports), 'topic')} not as it should be; {faulty[0].name}: "
            f"{faulty[0].problem}.",
            remedy=faulty[0].remedy,
        )


def _faulty(reports: Sequence[TopicReport]) -> list[TopicReport]:
    return [report for report in reports if report.problem]


def _show(reports: Sequence[TopicReport], *, as_json: bool) -> None:
    if as_json:
        json_out(reports)
        return
    table_out(
        ["topic", "direction", "partitions", "kept", "state"],
        [
            [
                report.name,
                report.direction,
                report.partitions if report.exists else None,
                _kept(report),
                report.problem or ("created" if report.created else "ok"),
            ]
            for report in reports
        ],
    )


def _kept(report: TopicReport) -> str | None:
    if report.retention_ms is None:
        return None
    return "for ever" if report.retention_ms == NO_EXPIRY else duration(report.retention_ms)
