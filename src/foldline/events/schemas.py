"""`schemas/events/` and `schemas/asyncapi.yaml`, from the models: `python -m foldline.events.schemas [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import yaml

from foldline.events.asyncapi import document
from foldline.events.json_schema import DIALECT, event_schema
from foldline.events.transition import TransitionEvent
from foldline.events.workflow import WorkflowEvent
from foldline.resources import SCHEMAS


def texts() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    return {
        SCHEMAS / "events" / "transition-event.schema.json": _json(event_schema(TransitionEvent)),
        SCHEMAS / "events" / "workflow-event.schema.json": _json(event_schema(WorkflowEvent)),
        SCHEMAS / "asyncapi.yaml": yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with `--check` say which are stale; 0 when all are as they should be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m foldline.events.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a file is stale")
    check = parser.parse_args(arguments).check
    stale = 0
    for path, text in texts().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            sys.stderr.write(f"{path} is stale. Run `python -m foldline.events.schemas` and commit what it writes.\n")
            stale = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return stale


def _json(schema: dict[str, object]) -> str:
    return json.dumps({"$schema": DIALECT} | schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
