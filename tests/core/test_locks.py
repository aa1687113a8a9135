"""What the image installs is what the tests ran on: `make lock` takes both from one resolution."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_PIN = re.compile(r"^(\S+)==(\S+)((?: \\\n +--hash=\S+)+)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9-]+")


def _pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The version and the hashes of every package of a lock."""
    text = (_CHECKOUT / name).read_text()
    found = {match[1]: (match[2], frozenset(re.findall(r"--hash=(\S+)", match[3]))) for match in _PIN.finditer(text)}
    assert len(found) == text.count("==")
    return found


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("deployment/requirements.txt", ("project", "dependencies")),
        ("deployment/requirements-build.txt", ("build-system", "requires")),
    ],
)
def test_the_image_installs_what_is_wanted_in_the_versions_of_the_lock(lock: str, wanted: tuple[str, str]) -> None:
    table, key = wanted
    required = tomllib.loads((_CHECKOUT / "pyproject.toml").read_text())[table][key]
    pins = _pins(lock)
    names = {match[0] for requirement in required if (match := _NAME.match(requirement))}
    assert len(names) == len(required)
    assert names <= pins.keys()
    assert pins.items() <= _pins("requirements.lock").items()
