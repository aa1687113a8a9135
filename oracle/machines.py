"""Machines as their YAML files say them, for the slow fold: no checks, no defaults beyond the contract's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from oracle.transitions import Rules


def rules_in(directories: Iterable[Path]) -> dict[str, Rules]:
    """The rules of every machine in these directories; a later directory's machine replaces an earlier one."""
    found = {}
    for directory in directories:
        for file in sorted(directory.glob("*.yaml")):
            said = yaml.safe_load(file.read_text(encoding="utf-8"))
            arrows = [
                {**arrow, "from": state}
                for arrow in said["transitions"]
                for state in (arrow["from"] if isinstance(arrow["from"], list) else [arrow["from"]])
            ]
            found[said["fsm_type"]] = Rules(
                said["initial"],
                {name: state or {} for name, state in said["states"].items()},
                arrows,
                lease_required=said.get("lease") == "required",
                corrections_refused=said.get("corrections") == "refused",
                version=said["version"],
            )
    return found
