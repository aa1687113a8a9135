"""`machine.schema.json`, generated from the models: `python -m foldline.machines.schema [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from foldline.machines.model import Definition
from foldline.resources import SHIPPED_MACHINES

SCHEMA = SHIPPED_MACHINES / "machine.schema.json"


def text() -> str:
    """The JSON Schema (2020-12) of a definition file, as it should lie beside the shipped machines."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | _plain(Definition.model_json_schema())
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the schema, or with `--check` say whether it is stale; 0 when it is as it should be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m foldline.machines.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the file is stale")
    if not parser.parse_args(arguments).check:
        SCHEMA.write_text(text(), encoding="utf-8")
        return 0
    if SCHEMA.is_file() and SCHEMA.read_text(encoding="utf-8") == text():
        return 0
    sys.stderr.write(f"{SCHEMA} is stale. Run `python -m foldline.machines.schema` and commit what it writes.\n")
    return 1


def _plain(schema: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """The schema without pydantic's titles, its null for what may be absent, and OpenAPI's discriminator."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _present(entry) for name, entry in value.items()} if key == "properties" else _plain(value)
        for key, value in schema.items()
        if key not in {"title", "discriminator"}
    }


def _present(entry: dict[str, Any]) -> Any:  # noqa: ANN401
    """A property without null: the loader takes a key without a value for a slip."""
    plain = _plain(entry)
    if {"type": "null"} in plain.get("anyOf", ()):
        (value,) = (choice for choice in plain.pop("anyOf") if choice != {"type": "null"})
        del plain["default"]
        plain |= value
    return plain


if __name__ == "__main__":
    sys.exit(main())
