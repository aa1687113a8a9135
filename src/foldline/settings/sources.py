"""The three places where settings are: the environment, `.env`, `foldline.toml`. Only their syntax is judged here."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from foldline.settings.faults import ENVIRONMENT, Fault, Origin
from foldline.settings.names import KAFKA_PREFIX, PREFIX, SERVERS

_TOML_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Given:
    """One setting as it was found, under the name that the environment has for it."""

    name: str
    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class Source:
    """What one place holds. `strangers`: names of other programs, with where they stand."""

    given: tuple[Given, ...] = ()
    faults: tuple[Fault, ...] = ()
    strangers: tuple[Origin, ...] = ()


def read_environment(environment: Mapping[str, str]) -> Source:
    """The environment's variables that are ours."""
    return _sorted_out((Origin(name, ENVIRONMENT), value) for name, value in environment.items())


def read_dotenv(path: Path) -> Source:
    """The lines of `.env` that are ours; a directory of that name is somebody's virtual environment."""
    text = _text(path, or_directory=True)
    if not isinstance(text, str):
        return text
    statements = list(parse_stream(io.StringIO(text)))
    readable = "".join(statement.original.string for statement in statements if not statement.error)
    lines = {statement.key: statement.original.line for statement in statements if statement.key is not None}
    values = dotenv_values(stream=io.StringIO(readable))
    source = _sorted_out((Origin(name, path.name, lines[name]), value) for name, value in values.items())
    unreadable = [
        Fault(
            Origin(None, path.name, statement.original.line),
            " cannot be read as NAME=value",
            "Put a value that holds spaces, quotes or # in quotes.",
        )
        for statement in statements
        if statement.error and any(name in statement.original.string for name in (PREFIX, *SERVERS))
    ]
    return Source(source.given, (*source.faults, *unreadable), source.strangers)


def read_toml(path: Path) -> Source:
    """Everything in `foldline.toml`: the names of the environment in either case, the prefix may be left out."""
    text = _text(path)
    if not isinstance(text, str):
        return text
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError, and a huge number one of its own
        match = _TOML_LINE.search(str(error))
        line = int(match[1]) if match and match[1] else None
        problem = _TOML_LINE.sub("", str(error)) if isinstance(error, tomllib.TOMLDecodeError) else "cannot be read"
        fault = Fault(Origin(None, path.name, line), f": {problem}", "Correct it: it is TOML, with text in quotes.")
        return Source(faults=(fault,))
    given: list[Given] = []
    for key, value in document.items():
        if key.lower() == "kafka" and isinstance(value, dict):
            given += [
                Given(f"{KAFKA_PREFIX}{name}", leaf, Origin(f"{key}.{name}", path.name))
                for name, leaf in _leaves(value)
            ]
        else:
            given.append(Given(_variable(key), value, Origin(key, path.name)))
    return Source(tuple(given))


def _sorted_out(found: Iterable[tuple[Origin, str | None]]) -> Source:
    given: list[Given] = []
    faults: list[Fault] = []
    strangers: list[Origin] = []
    for origin, value in found:
        name = origin.name or ""
        if name not in SERVERS and not name.upper().startswith(PREFIX):
            strangers.append(origin)
        elif value is None:
            faults.append(Fault(origin, " has no value", f"Write it as {name}=value."))
        else:
            given.append(Given(name, value, origin))
    return Source(tuple(given), tuple(faults), tuple(strangers))


def _text(path: Path, *, or_directory: bool = False) -> str | Source:
    """The file's text; where there is none, what there is to say about that: nothing if it is not there."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Source()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Source(faults=(Fault(Origin(None, path.name, line), " is not UTF-8", "Save the file as UTF-8."),))
    except OSError as error:
        if or_directory and isinstance(error, IsADirectoryError):
            return Source()
        problem = f" cannot be read: {error.strerror}"
        fault = Fault(Origin(None, path.name), problem, "Make it a readable file, or remove it.")
        return Source(faults=(fault,))


def _variable(key: str) -> str:
    name = key.upper()
    return name if name in SERVERS or name.startswith(PREFIX) else f"{PREFIX}{name}"


def _leaves(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """The values of a table and of those inside it: `session.timeout.ms = 6000` is three tables in TOML."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
