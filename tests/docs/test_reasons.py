"""docs/publish.md explains every reason for which a record may become a dead letter, and no other."""

from __future__ import annotations

import re

from foldline.core.decide import Reason
from pages import page

_ROW = re.compile(r"^\| `([a-z_]+)` \| [^|]+ \| [^|]+ \|$", re.MULTILINE)
_UNDECODABLE = ["malformed", "invalid", "refused_by_database"]


def test_every_reason_has_its_row_in_the_order_of_their_precedence() -> None:
    table = page("publish.md").partition("with the first of these reasons")[2].partition("##")[0]
    assert _ROW.findall(table) == [*map(str, Reason), *_UNDECODABLE]
