"""The page's programs, each built once, while the servers start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from acceptance.publishers.page import jar_coordinates, program
from acceptance.publishers.workshop import TOOLCHAINS, Workshop
from clusters import Topics
from foldline.embedded.jars import JarCache, locked_jars
from foldline.kafka.topics import create_topics


@pytest.fixture(scope="session", autouse=True)
def workshops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Workshop]]:
    """One for each language. Before the servers, so that compilers and servers share the wait."""
    directories = {language: tmp_path_factory.mktemp(language) for language in TOOLCHAINS}
    with ExitStack() as stack:
        started = {
            language: stack.enter_context(Workshop(program(language), directory))
            for language, directory in directories.items()
        }
        _lay_jars(directories["Java"] / "jars")
        yield started


@pytest.fixture(scope="session", params=TOOLCHAINS)
def workshop(request: pytest.FixtureRequest, workshops: dict[str, Workshop]) -> Workshop:
    """The program of each language in turn."""
    return workshops[request.param]


@pytest.fixture(scope="session")
def topics(workshop: Workshop, bootstrap_servers: str) -> Topics:
    """Two topics of four partitions, to which one program has published, once."""
    made = Topics(f"transitions.{workshop.language}", f"workflows.{workshop.language}")
    create_topics({"bootstrap.servers": bootstrap_servers}, incoming=(made.transitions, made.workflows), outgoing=())
    workshop.run(bootstrap_servers, made)
    return made


@pytest.fixture
def uneven_topics(bootstrap_servers: str, topic_name: Callable[[], str]) -> Topics:
    """Two topics with seven partitions: a hash made positive otherwise than Java does it goes elsewhere in them."""
    made = Topics(topic_name(), topic_name())
    create_topics(
        {"bootstrap.servers": bootstrap_servers},
        incoming=(made.transitions, made.workflows),
        outgoing=(),
        partitions=7,
    )
    return made


def _lay_jars(directory: Path) -> None:
    """The jars that the page names and no others, from those that the embedded broker runs on."""
    locked = locked_jars()
    paths = JarCache(Path.home() / ".cache/foldline", locked).complete(Event())
    at_hand = {f"{jar.group}:{jar.artifact}:{jar.version}": path for jar, path in zip(locked, paths, strict=True)}
    named = jar_coordinates()
    assert named <= at_hand.keys(), f"not the versions of kafka.lock: {sorted(named - at_hand.keys())}; mend the page"
    directory.mkdir()
    for coordinates in named:
        (directory / at_hand[coordinates].name).symlink_to(at_hand[coordinates])
