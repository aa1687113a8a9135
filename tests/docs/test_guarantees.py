"""docs/guarantees.md names code and tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from pages import CHECKOUT

_ROW = re.compile(r"^\| [^|]+ \| `([^`]+)` \| `([^`:]+)::(\w+)` \|$", re.MULTILINE)
_PAGE = (CHECKOUT / "docs" / "guarantees.md").read_text(encoding="utf-8")
ROWS = _ROW.findall(_PAGE)


@pytest.mark.parametrize(("code", "file", "test"), ROWS, ids=[row[2] for row in ROWS])
def test_a_promise_has_code_and_a_test(code: str, file: str, test: str) -> None:
    assert (CHECKOUT / code).is_file()
    tree = ast.parse((CHECKOUT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_row_of_the_table_is_passed_over() -> None:
    rows = [line for line in _PAGE.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) == len(ROWS) >= 18
