"""YAML text as plain values that remember their lines. Total: any text ends in a `Source` or in faults.

Only what a definition needs counts as more than text: `true` and `false`, whole decimal numbers, and nothing at all
(`null`, `~`). So a state may be called NO, ON or 2024-01-31 without quotes, and 010 is no eight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from foldline.machines.faults import Fault, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_DEEPEST = 32
_LARGEST = 100_000
_TAG = "tag:yaml.org,2002:"
_BOOLEAN = re.compile(r"(?:true|false)\Z")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_NOTHING = re.compile(r"(?:null|~|)\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says. `tree` is made of dict (keys are text), list, str, int, bool and None."""

    tree: object
    lines: Mapping[Location, int]

    def line(self, location: Sequence[str | int]) -> int:
        """The line of what stands at `location`; steps that the file doesn't have are passed over."""
        known: Location = ()
        for step in location:
            if (*known, step) in self.lines:
                known = (*known, step)
        return self.lines[known]


def read(text: str, file: Path) -> tuple[Source | None, list[Fault]]:
    """Read `text`. No source means it could not be read; with a source the faults are those of its YAML alone."""
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"the character U+{ord(text[error.position]):04X} may not stand in YAML"
        return None, [Fault(file, line, problem, "Remove it.")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ": ".join(part for part in (error.problem or error.context, error.note) if part)
        return None, [Fault(file, mark.line + 1 if mark else None, f"not YAML: {problem}", "Correct it here or above.")]
    except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", which PyYAML takes for a character
        return None, [Fault(file, loader.line + 1 if loader else None, "not YAML: no such character", "Correct it.")]
    walk = _Walk(file)
    try:
        tree = walk.value(root, ()) if root else None
    except _TooLargeError:
        problem = f"more than {_LARGEST} values or nested deeper than {_DEEPEST}, aliases written out"
        return None, [*walk.faults, Fault(file, None, problem, "Use fewer aliases.")]
    if tree is None:
        walk.faults.append(Fault(file, None, "the file says nothing", "Write a machine, or remove the file."))
        return None, walk.faults
    return Source(tree, walk.lines), walk.faults


class _TooLargeError(Exception):
    """Aliases of aliases can make a small text larger than memory."""


class _Loader(yaml.SafeLoader):
    """Composes nodes, with marks; `_Walk` turns them into values."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 -- PyYAML's own name and shape
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.depth == _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {_DEEPEST}", mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _name, _pattern in (("bool", _BOOLEAN), ("int", _INTEGER), ("null", _NOTHING)):
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", _pattern, None)


class _Walk:
    """One pass over the nodes of one file: values, their lines, and what is wrong with the YAML."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: dict[Location, int] = {}
        self.faults: list[Fault] = []
        self.open: list[yaml.Node] = []

    def value(self, node: yaml.Node, at: Location) -> object:
        """The plain value of `node`, which stands at `at`."""
        self.lines.setdefault(at, node.start_mark.line + 1)
        if len(self.lines) > _LARGEST:
            raise _TooLargeError
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if any(node is above for above in self.open):
            self.fault(node, "an alias leads back to what contains it", "Write the value out.")
            return None
        if node.tag not in {f"{_TAG}map", f"{_TAG}seq"}:
            self.fault(node, f"the tag {shown(node.tag)} has no meaning here", "Remove it.")
        if len(self.open) == _DEEPEST:
            raise _TooLargeError
        self.open.append(node)
        value: object = self.mapping(node, at) if isinstance(node, yaml.MappingNode) else self.sequence(node, at)
        self.open.pop()
        return value

    def sequence(self, node: yaml.Node, at: Location) -> list[object]:
        return [self.value(item, (*at, index)) for index, item in enumerate(node.value)]

    def mapping(self, node: yaml.Node, at: Location) -> dict[str, object]:
        mapping: dict[str, object] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fault(key, "a key is a list or a mapping", "Write one name as the key.")
                continue
            word = self.scalar(key)
            name = word if isinstance(word, str) else key.value
            if name is not word:
                self.fault(key, f"the key {shown(word)} is not text", f'Write it in quotes: "{name}".')
            elif name == "<<" and key.style is None:
                self.fault(key, "merge keys are not read", "Write the keys out.")
                continue
            if name in mapping:
                first = self.lines[*at, name]
                self.fault(key, f"the key {shown(name)} stands twice, first on line {first}", "Keep one of the two.")
                continue
            self.lines[*at, name] = key.start_mark.line + 1
            mapping[name] = self.value(item, (*at, name))
        return mapping

    def scalar(self, node: yaml.ScalarNode) -> str | int | bool | None:
        text: str = node.value
        if _SURROGATE.search(text):
            self.fault(node, f"{shown(text)} holds half a surrogate pair", "Write the whole character.")
            text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
        kind = node.tag.removeprefix(_TAG)
        if kind == "str":
            return text
        if kind == "bool" and _BOOLEAN.match(text):
            return text == "true"
        if kind == "int" and _INTEGER.match(text):
            return int(text)
        if kind == "null" and _NOTHING.match(text):
            return None
        self.fault(node, f"the tag {shown(node.tag)} has no meaning for {shown(text)}", "Remove it.")
        return text

    def fault(self, node: yaml.Node, problem: str, remedy: str) -> None:
        self.faults.append(Fault(self.file, node.start_mark.line + 1, problem, remedy))
