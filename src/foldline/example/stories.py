"""The stories of entities: one function each, named for what is planted; its calls say what must become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foldline.example.paths import FAILED

if TYPE_CHECKING:
    from collections.abc import Callable

    from foldline.example.entity import EntityStory


def straight(story: EntityStory) -> None:
    """Go the whole way without a hitch."""
    story.finish()


def under_way(story: EntityStory) -> None:
    """Stop in the middle: still at work when the log ends."""
    story.step()


def gone_round(story: EntityStory) -> None:
    """Finish, then start over, once or twice."""
    story.finish()
    for _ in range(1 + story.dice.below(2)):
        story.wait(600, 5_000)
        story.again()
        story.finish()


def retried(story: EntityStory) -> None:
    """Fail, be retried, finish."""
    story.step()
    story.fail()
    story.wait(30, 900)
    story.retry()
    story.finish()


def failed(story: EntityStory) -> None:
    """Fail and stay failed."""
    story.step()
    story.fail()


def attempted(story: EntityStory) -> None:
    """Report attempts that failed, the first before the entity has a row, and finish in the end."""
    story.attempt()
    story.step()
    story.attempt()
    story.finish()


def hasty(story: EntityStory) -> None:
    """Skip ahead to the last action, which is illegal at the beginning."""
    story.reject("illegal_transition", story.path.way[-1][0])
    story.finish()


def misspelt(story: EntityStory) -> None:
    """Send an action that no machine knows."""
    story.step()
    story.reject("unknown_action", f"{story.path.way[1][0]}_V2")
    story.finish()


def misinformed(story: EntityStory) -> None:
    """Expect the entity in another state than it is in."""
    story.step()
    story.reject("from_state_mismatch", story.path.way[1][0], from_state=story.path.initial)
    story.finish()


def misdirected(story: EntityStory) -> None:
    """Expect to arrive in another state than the definition leads to."""
    story.step()
    story.reject("to_state_mismatch", story.path.way[1][0], to_state=FAILED)
    story.finish()


def unexplained(story: EntityStory) -> None:
    """Fail without the error message that FAILED requires, then with it."""
    story.step()
    story.reject("missing_data", "FAIL")
    story.fail()


def exhausted(story: EntityStory) -> None:
    """Fail four times: the machines allow three retries."""
    story.step()
    story.fail()
    for _ in range(3):
        story.retry()
        story.fail()
    story.reject("retries_exhausted", "RETRY")


def outlived(story: EntityStory) -> None:
    """Hear from a worker whose lease somebody else has taken over."""
    epoch = 1 + story.dice.below(40)
    old = {"lease_id": f"worker-{story.dice.below(9)}", "lease_epoch": epoch}
    story.lease = old
    story.step()
    story.lease = {"lease_id": f"worker-{story.dice.below(9)}", "lease_epoch": epoch + 1}
    story.fail("worker lost its lease")
    story.reject("stale_lease", story.path.way[1][0], lease=old)
    story.retry()
    story.finish()


def contested(story: EntityStory) -> None:
    """Hear from a second holder of the same lease epoch."""
    epoch = 1 + story.dice.below(40)
    story.lease = {"lease_id": "worker-a", "lease_epoch": epoch}
    story.step()
    story.reject("lease_conflict", story.path.way[1][0], lease={"lease_id": "worker-b", "lease_epoch": epoch})
    story.finish()


def stuttered(story: EntityStory) -> None:
    """Send events twice in a row, a rejected one among them."""
    story.step()
    story.repeat()
    story.reject("illegal_transition", story.path.again[0])
    story.repeat()
    story.finish()
    story.repeat()


def echoed(story: EntityStory) -> None:
    """Have the first event come again hours later."""
    story.step()
    story.repeat(late=True)
    story.finish()


def anonymous(story: EntityStory) -> None:
    """Send no event ids: they are derived, so a repetition is recognised all the same."""
    story.with_event_ids = False
    story.step()
    story.repeat()
    story.finish()
    story.repeat(late=True)


def created(story: EntityStory) -> None:
    """Begin with CREATE; a second one is illegal."""
    story.hop("CREATE", story.path.initial)
    story.step()
    if story.dice.chance(50):
        story.reject("illegal_transition", "CREATE")
    story.finish()


def corrected(story: EntityStory) -> None:
    """Fail for good, be put back to the beginning by an operator, and finish."""
    story.step()
    story.fail()
    story.wait(900, 4_000)
    story.hop(
        "CORRECT",
        story.path.initial,
        to_state=story.path.initial,
        error_message="ticket OPS-2114: the cause is fixed, begin again",
        metadata={"operator": "m.keller"},
    )
    story.finish()


def mislabelled(story: EntityStory) -> None:
    """Name a machine that nobody has defined."""
    story.reject("unknown_fsm", story.path.way[0][0], fsm_type=f"{story.path.fsm_type}_LEGACY")
    story.finish()


def read_first(story: EntityStory) -> None:
    """Tell doc-0007: in nine records and eight rows of history everything that a newcomer should see once."""
    story.with_expectations = True
    story.step(metadata={"source": "s3://archive-inbox/contracts", "bytes": 481_220, "pages": 12, "worker": "ingest-2"})
    story.attempt("embedding service answered 503 after 3 attempts", metadata={"worker": "ingest-2"})
    story.fail("embedding service is down, giving up")
    story.repeat()
    story.reject("from_state_mismatch", "COMPLETE_INDEXING", from_state="PROCESSING", to_state="INDEXED")
    story.wait(300, 400)
    story.retry()
    story.finish()
    story.wait(7_000, 8_000)
    story.again()
    story.finish()


STORIES: tuple[tuple[Callable[[EntityStory], None], int], ...] = (
    (straight, 40),
    (gone_round, 12),
    (retried, 12),
    (under_way, 6),
    (failed, 4),
    (attempted, 6),
    (hasty, 2),
    (misspelt, 1),
    (misinformed, 2),
    (misdirected, 1),
    (unexplained, 1),
    (exhausted, 1),
    (outlived, 2),
    (contested, 1),
    (stuttered, 3),
    (echoed, 3),
    (anonymous, 3),
    (created, 3),
    (corrected, 1),
    (mislabelled, 1),
)
"""Each story and its weight: how often it is told among the weights of all."""
