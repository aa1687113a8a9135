"""docs/publish-java-go-node.md as values: its programs, the commands that build and run them, the records they send."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pages import blocks, page

PAGE = page("publish-java-go-node.md")
_RECORD_LINE = re.compile(r"^(topic|partition|key|header|value) +(.*)$", re.MULTILINE)
_COORDINATES = re.compile(r"`([\w.-]+:[\w.-]+:[\d.]+)`")


@dataclass(frozen=True)
class Program:
    """One language's program; the last line of its shell block runs it, those before build it."""

    language: str
    file_name: str
    source: str
    build: str
    run: str


@dataclass(frozen=True)
class PublishedRecord:
    """A record as the page shows it, on a topic of four partitions."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def program(language: str) -> Program:
    """The program in the section of that name."""
    fence, file_name = {"Java": ("java", "Publish.java"), "Go": ("go", "main.go"), "Node": ("js", "publish.mjs")}[
        language
    ]
    section = PAGE.split(f"\n## {language}\n")[1].split("\n## ")[0]
    assert f"`{file_name}`:" in section
    (source,) = blocks(section, fence)
    (shell,) = blocks(section, "bash")
    *build, run = shell.splitlines()
    return Program(language, file_name, source, "\n".join(build), run)


def published_records() -> list[PublishedRecord]:
    """The records, in the order in which each program sends them."""
    return [_record(_RECORD_LINE.findall(block)) for block in blocks(PAGE, "text")]


def jar_coordinates() -> set[str]:
    """The jars that the page puts on Java's class path, as group:artifact:version."""
    return set(_COORDINATES.findall(PAGE))


def _record(lines: list[tuple[str, str]]) -> PublishedRecord:
    headers = [text.split(": ", 1) for name, text in lines if name == "header"]
    said = dict(lines)
    return PublishedRecord(
        said["topic"],
        int(said["partition"]),
        said["key"].encode(),
        said["value"].encode(),
        tuple((name, text.encode()) for name, text in headers),
    )
