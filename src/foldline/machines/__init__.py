"""Machine definitions: YAML files in, `core.machine.Machine` values out, or every fault with its line and remedy."""

from __future__ import annotations

from foldline.machines.document import documented, restored
from foldline.machines.faults import Fault, MachineFaults
from foldline.machines.loading import load_file, load_machines

__all__ = ["Fault", "MachineFaults", "documented", "load_file", "load_machines", "restored"]
