"""How far an entity's dead letters would come, letter by letter."""

from __future__ import annotations

from foldline.cli.mend.rehearsal import SubjectForecast
from foldline.core.events import Verdict
from foldline.dryrun import Judgment


def test_how_far_is_up_to_the_first_that_would_be_refused_whatever_passes_after_it() -> None:
    seen = SubjectForecast("REVIEW", "r-1", None)
    for number, verdict in enumerate((Verdict.APPLIED, Verdict.DUPLICATE, Verdict.REJECTED, Verdict.APPLIED)):
        why = f"why {number}" if verdict is Verdict.REJECTED else None
        seen.meet(
            number, Judgment(number, verdict, met=f"met {number}", after=f"after {number}", reason=why, detail=why)
        )
    seen.meet(4, Judgment(4, Verdict.REJECTED, met="met 4", after="after 3", reason="another"))
    assert seen == SubjectForecast(
        "REVIEW", "r-1", None, letters=5, passing=3, passing_before=2, refused_letter=2, refused_in="met 2",
        reason="why 2", detail="why 2", state="after 3",
    )  # fmt: skip
