"""docs/security.md as values: its blocks, settings and tables, with the places of this suite put in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pages import blocks, page

_PAGE = page("security.md")
_EXPORT = re.compile(r"""^export (\w+)=(['"]?)(.*)\2$""", re.MULTILINE)
_FILE = re.compile(r"^\$\(cat (.+)\)$")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Places:
    """Where the page's db.example, kafka.example and /etc are in this suite."""

    postgres: str
    kafka: str
    files: Path

    def put_into(self, text: str) -> str:
        for shown, real in (
            ("db.example:5432", self.postgres),
            ("kafka.example:9093", self.kafka),
            ("/etc/foldline", str(self.files)),
            ("/etc/postgresql", str(self.files)),
        ):
            text = text.replace(shown, real)
        return text


def block(language: str, containing: str) -> str:
    """The one block of this language that contains the text."""
    (found,) = [text for text in blocks(_PAGE, language) if containing in text]
    return found


def settings(command: str, places: Places) -> dict[str, str]:
    """What the block that ends with this command exports; what it reads from a file is read."""
    exported = _EXPORT.findall(places.put_into(block("bash", f"\n{command}\n")))
    return {name: _read(text) for name, _, text in exported}


def _read(text: str) -> str:
    file = _FILE.match(text)
    return text if file is None else Path(file[1]).read_text(encoding="utf-8").strip()


def rights() -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Command, kind of resource, their names, and the operations on them."""
    for command, resources, operations in _table("TLS and SASL to Kafka", "command | on | operations"):
        kind = "group" if resources.startswith("group") else "topic"
        yield command.strip("`"), kind, _CODE.findall(resources), operations.split(", ")


def lines_that_say(section: str) -> dict[str, str]:
    """What the line says, by what is wrong."""
    return {wrong: _CODE.findall(said)[0] for wrong, said in _table(section, "if | the line says")}


def _table(section: str, heading: str) -> list[list[str]]:
    """The cells of the section's table with this heading row."""
    text = _PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    _, rows = text.split(f"| {heading} |\n")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows.split("\n\n")[0].splitlines()[1:]]
