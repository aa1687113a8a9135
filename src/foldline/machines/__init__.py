"""Machine definitions: YAML files in, `core.machine.Machine` values out, or every fault with its line and remedy."""

from __future__ import annotations

from foldline.machines.document import documented, restored
from foldline.machines.faults import Fault, Finding, MachineFaults, Remark
from foldline.machines.loading import Loaded, Survey, load_file, load_machines, survey, survey_paths

__all__ = [
    "Fault",
    "Finding",
    "Loaded",
    "MachineFaults",
    "Remark",
    "Survey",
    "documented",
    "load_file",
    "load_machines",
    "restored",
    "survey",
    "survey_paths",
]
