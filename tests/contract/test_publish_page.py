"""The examples in docs/publish.md are real."""

from __future__ import annotations

import re

import pages
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Headers, TransitionEvent, WorkflowEvent
from foldline.kafka.lines import Routed, route


def blocks(heading: str, language: str) -> list[bytes]:
    """The fenced blocks of a section in one language."""
    section = pages.page("publish.md").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [text.encode() for text in pages.blocks(section, language)]


def test_the_plain_examples_are_the_events_that_they_show() -> None:
    (moved,), (started,) = blocks("A transition event", "json"), blocks("A workflow event", "json")
    transitioned, run = decode_transition(moved), decode_workflow(started)
    assert isinstance(transitioned, TransitionEvent)
    assert (transitioned.event_id, transitioned.entity_id) == ("7f6c", "doc-123")
    assert isinstance(run, WorkflowEvent)
    assert (run.event_id, run.workflow_id) == ("1", "wf-9")


def test_the_cloud_events_are_the_transition_event_above() -> None:
    (plain,) = blocks("A transition event", "json")
    (structured,), (binary,) = blocks("CloudEvents", "json"), blocks("CloudEvents", "text")
    lines, _, value = binary.decode().partition("\n\n")
    headers: Headers = tuple((name, text.encode()) for name, text in re.findall("^(.*?): (.*)$", lines, re.MULTILINE))
    assert len(headers) == 7
    assert decode_transition(structured) == decode_transition(plain)
    assert decode_transition(value.encode(), headers) == decode_transition(plain)


def test_the_structured_one_is_published_like_the_plain_one() -> None:
    (plain,), (structured,) = blocks("A transition event", "json"), blocks("CloudEvents", "json")
    routed, wrapped = (route(line, transition_topic="t", workflow_topic="w", raw=False) for line in (plain, structured))
    assert wrapped == Routed(routed.topic, routed.key, structured)
