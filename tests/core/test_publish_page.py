"""docs/publish.md has every field of the models, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from foldline.events import Kind, TransitionEvent, WorkflowEvent

PAGE = (Path(__file__).parents[2] / "docs" / "publish.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[a-z_`, ]+`) \|", re.MULTILINE)


def section(heading: str) -> str:
    """What stands below a heading, up to the next."""
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("heading", "model"), [("A transition event", TransitionEvent), ("A workflow event", WorkflowEvent)]
)
def test_the_table_of_a_kind_has_the_fields_of_its_model(
    heading: str, model: type[TransitionEvent | WorkflowEvent]
) -> None:
    listed = [name for row in ROW.findall(section(heading)) for name in re.findall(r"[a-z_]+", row)]
    assert sorted(listed) == sorted(model.model_fields)


def test_the_page_has_every_kind() -> None:
    assert all(f"`{kind}`" in section("A workflow event") for kind in Kind)


def test_the_page_has_every_builder() -> None:
    builders = {name for name in vars(TransitionEvent) if isinstance(vars(TransitionEvent)[name], classmethod)}
    assert builders == {"new", "created", "corrected"}
    assert all(f"`TransitionEvent.{name}`" in PAGE or f"`.{name}`" in PAGE for name in builders)
    assert all(callable(getattr(WorkflowEvent, kind.lower())) for kind in Kind)
