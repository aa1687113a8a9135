"""Whether a worker is well, told by facts and a clock that the test turns."""

from __future__ import annotations

from foldline import facts
from foldline.watch.health import Health, HealthReport, Limits

LIMITS = Limits(live=60, progress=300)
HERE, THERE = "t[0]", "t[1]"
AWAY = "PostgreSQL cannot be reached"


class Worker:
    """What it announces, second by second."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.health = Health(LIMITS, lambda: self.clock)

    def tells(self, *told: facts.Fact) -> None:
        for fact in told:
            self.health.hear(fact)

    def turns(
        self, *held: facts.Standing, seconds: int = 1, waiting: tuple[str, ...] = (), stopped: tuple[str, ...] = ()
    ) -> None:
        for _ in range(seconds):
            self.clock += 1
            self.tells(facts.LineTurned(held, waiting, stopped))

    def report(self, database: str | None = None) -> HealthReport:
        return self.health.report(database=database)

    @property
    def well(self) -> tuple[bool, bool, bool]:
        """Live, ready, progress."""
        report = self.report()
        return report.live.ok, report.ready.ok, report.progress.ok


def working() -> Worker:
    worker = Worker()
    worker.tells(facts.PartitionsAssigned((HERE,)), facts.PartitionClaimed(HERE, 1, 5))
    worker.turns(facts.Standing(HERE, 5, 5))
    return worker


def retried() -> facts.BatchRetried:
    return facts.BatchRetried(HERE, AWAY, 1, 5.0, "unavailable", 5)


def test_a_line_without_a_sign_of_life_is_not_live() -> None:
    worker = working()
    worker.clock += LIMITS.live
    assert worker.well == (True, True, True)
    worker.clock += 1
    assert worker.well == (False, True, False)
    report = worker.report()
    assert report.live.why == report.progress.why == "The line has given no sign of life for 61 s."
    worker.tells(retried())
    assert worker.report().live.ok


def test_it_is_ready_once_the_group_has_answered_and_everything_is_claimed() -> None:
    worker = Worker()
    worker.turns()
    assert worker.report().ready.why == "The group has not answered yet."
    worker.tells(facts.PartitionsAssigned((HERE,)))
    worker.turns(waiting=(HERE,))
    assert worker.report().ready.why == "t[0] is not claimed yet."
    worker.tells(facts.PartitionClaimed(HERE, 1, 5))
    worker.turns(facts.Standing(HERE, 5, None))
    assert worker.well == (True, True, True)


def test_a_worker_in_reserve_is_ready() -> None:
    worker = Worker()
    worker.tells(facts.PartitionsAssigned(()))
    worker.turns()
    assert worker.well == (True, True, True)
    assert worker.report().partitions == []


def test_a_database_that_does_not_answer_ends_ready_alone() -> None:
    worker = working()
    report = worker.report(database=AWAY)
    assert (report.live.ok, report.ready.ok, report.progress.ok) == (True, False, True)
    assert report.ready.why == AWAY


def test_a_position_that_stands_still_with_records_left_is_no_progress() -> None:
    worker = working()
    worker.turns(facts.Standing(HERE, 5, 9), seconds=301)
    assert worker.well == (True, True, True)
    worker.turns(facts.Standing(HERE, 5, 9))
    assert worker.well == (True, True, False)
    report = worker.report()
    assert report.progress.why == "t[0] has stood at 5 for 301 s, with 4 left."
    (partition,) = report.partitions
    assert (partition.custody, partition.next_offset, partition.lag, partition.stuck_seconds) == ("held", 5, 4, 301)
    worker.turns(facts.Standing(HERE, 6, 9))
    assert worker.well == (True, True, True)


def test_what_is_slow_is_left_alone() -> None:
    worker = working()
    for position in range(5, 25):
        worker.turns(facts.Standing(HERE, position, 1_000_000), seconds=299)
    assert worker.well == (True, True, True)


def test_nothing_left_and_nothing_known_is_no_standstill() -> None:
    worker = working()
    worker.turns(facts.Standing(HERE, 5, 5), seconds=400)
    worker.turns(facts.Standing(HERE, 5, None), seconds=400)
    worker.turns(facts.Standing(HERE, 5, 9), seconds=300)
    assert worker.well == (True, True, True)


def test_a_database_away_for_an_hour_is_waited_for_and_not_restarted_for() -> None:
    worker = working()
    for _ in range(360):
        worker.tells(retried())
        worker.turns(facts.Standing(HERE, 5, 9), seconds=10)
    assert worker.well == (True, False, True)
    report = worker.report()
    assert report.ready.why == f"t[0] waits: {AWAY}"
    assert report.partitions[0].problem == AWAY
    worker.tells(facts.BatchApplied(HERE, 6, 1, 0, 0, 0, 0.1))
    worker.turns(facts.Standing(HERE, 6, 9), seconds=300)
    assert worker.well == (True, True, True)
    worker.turns(facts.Standing(HERE, 6, 9), seconds=3)
    assert worker.well == (True, True, False)


BACKLOG = (facts.Standing(HERE, 5, 9), facts.Standing(THERE, 7, 9))


def working_on_two() -> Worker:
    worker = Worker()
    worker.tells(facts.PartitionsAssigned((HERE, THERE)))
    worker.tells(facts.PartitionClaimed(HERE, 1, 5), facts.PartitionClaimed(THERE, 1, 7))
    worker.turns(*BACKLOG)
    return worker


def test_while_the_line_waits_for_the_database_for_one_partition_its_neighbours_are_not_stuck() -> None:
    worker = working_on_two()
    for _ in range(40):
        worker.tells(retried())
        worker.turns(*BACKLOG, seconds=10)
    assert worker.well == (True, False, True)
    assert [each.stuck_seconds for each in worker.report().partitions] == [None, None]
    worker.tells(facts.BatchApplied(HERE, 6, 1, 0, 0, 0, 0.1))
    worker.turns(facts.Standing(HERE, 9, 9), BACKLOG[1], seconds=301)
    assert worker.well == (True, True, True)
    worker.turns(facts.Standing(HERE, 9, 9), BACKLOG[1])
    assert worker.report().progress.why == "t[1] has stood at 7 for 301 s, with 2 left."


def test_while_the_database_is_known_to_be_away_nothing_is_stuck() -> None:
    worker = working_on_two()
    worker.tells(facts.DatabaseAway(AWAY))
    worker.turns(*BACKLOG, seconds=400)
    assert worker.report().progress.ok
    worker.tells(facts.DatabaseBack(400.0))
    worker.turns(*BACKLOG, seconds=302)
    assert not worker.report().progress.ok


def test_a_transaction_that_hangs_is_nobodys_standstill() -> None:
    worker = working_on_two()
    for _ in range(10):
        worker.clock += 55
        assert worker.well == (True, True, True)
        worker.turns(*BACKLOG)
    assert worker.well == (True, True, True)
    worker.turns(*BACKLOG, seconds=200)
    worker.clock += 55
    assert worker.well == (True, True, True)
    worker.turns(*BACKLOG, seconds=52)
    assert worker.well == (True, True, False)


def test_one_partition_that_cannot_be_claimed_excuses_no_other() -> None:
    worker = working()
    for _ in range(31):
        worker.tells(facts.ClaimPostponed(THERE, "waits for the older ones", 1, 10.0))
        worker.turns(facts.Standing(HERE, 5, 9), seconds=10, waiting=(THERE,))
    assert worker.well == (True, False, False)


def test_a_batch_that_is_not_tried_any_more_keeps_nothing() -> None:
    for ended in (
        facts.BatchRetried(HERE, "folded again", 2, 0.2, "stale", 5),
        facts.PartitionFenced(HERE, "host:2", "g"),
        facts.PartitionReleased(HERE),
        facts.PartitionLost(HERE),
        facts.PartitionStopped(HERE, "problem", "remedy"),
    ):
        worker = working_on_two()
        worker.tells(retried(), ended)
        worker.turns(BACKLOG[1], seconds=302)
        assert not worker.report().progress.ok, ended
    worker = working_on_two()
    worker.tells(retried())
    worker.turns(facts.Standing(HERE, 9, 9), BACKLOG[1], seconds=302)  # the position stood elsewhere
    assert worker.well == (True, True, False)


def test_what_the_group_gives_is_waited_for_from_the_first_moment() -> None:
    worker = Worker()
    worker.turns()
    worker.tells(facts.PartitionsAssigned((HERE, THERE)))
    report = worker.report()
    assert (report.ready.ok, report.ready.why) == (False, "t[0] is not claimed yet.")
    assert {each.custody for each in report.partitions} == {"waiting"}
    worker.tells(facts.PartitionClaimed(HERE, 1, 5))
    assert not worker.report().ready.ok
    worker.tells(facts.PartitionClaimed(THERE, 1, 7))
    report = worker.report()
    assert report.ready.ok
    told = [(each.partition, each.custody, each.next_offset, each.lag) for each in report.partitions]
    assert told == [(HERE, "held", 5, None), (THERE, "held", 7, None)]


def test_after_its_session_ran_out_it_is_not_ready_until_the_group_has_answered() -> None:
    for answer in ((), (HERE,)):
        worker = working()
        worker.tells(facts.PartitionLost(HERE, 5))
        worker.turns(seconds=40)
        assert worker.well == (True, False, True)
        assert worker.report().ready.why == (
            "Partitions were lost, as when a session in the group runs out, and it has not answered since."
        )
        worker.tells(facts.PartitionsAssigned(answer), *(facts.PartitionClaimed(each, 2, 5) for each in answer))
        assert worker.well == (True, True, True)


def test_what_the_group_takes_leaves_a_worker_ready() -> None:
    worker = working()
    worker.tells(facts.PartitionReleased(HERE))
    assert worker.well == (True, True, True)
    assert worker.report().partitions == []


def test_a_batch_that_is_folded_again_and_again_is_stuck() -> None:
    worker = working()
    for _ in range(62):
        worker.tells(facts.BatchRetried(HERE, "folded again", 1, 5.0, "stale", 5))
        worker.turns(facts.Standing(HERE, 5, 9), seconds=5)
    assert worker.well == (True, True, False)


def test_a_stopped_partition_is_told_and_fails_nothing() -> None:
    worker = working()
    worker.tells(retried(), facts.PartitionStopped(HERE, "The database refuses.", "See why."))
    worker.tells(facts.PartitionStopped(THERE, "The log is gone.", "Restore it."))
    worker.tells(facts.BatchApplied(THERE, 6, 1, 0, 0, 0, 0.1))
    worker.turns(facts.Standing(HERE, 5, 5), seconds=400, stopped=(THERE,))
    assert worker.well == (True, True, True)
    told = {each.partition: each for each in worker.report().partitions}[THERE]
    assert (told.custody, told.next_offset, told.problem) == ("stopped", None, "The log is gone. Restore it.")
    worker.turns(facts.Standing(HERE, 5, 5))
    assert [each.partition for each in worker.report().partitions] == [HERE]


def test_a_claim_that_is_refused_again_and_again_is_told() -> None:
    worker = working()
    worker.tells(facts.PartitionsAssigned((THERE,)), facts.ClaimPostponed(THERE, "locked", 3, 5.0))
    worker.turns(facts.Standing(HERE, 5, 5), seconds=400, waiting=(THERE,))
    assert worker.well == (True, False, True)
    assert worker.report().ready.why == "t[1] waits: locked"
    worker.tells(facts.PartitionReleased(THERE))
    worker.turns(facts.Standing(HERE, 5, 5))
    assert worker.well == (True, True, True)


def test_while_no_broker_can_be_reached_nothing_is_stuck() -> None:
    worker = working()
    worker.tells(facts.BrokerTrouble("connection refused"))
    assert worker.report().ready.ok
    worker.tells(facts.BrokerTrouble("1/1 brokers are down", all_down=True))
    for _ in range(20):
        worker.turns(facts.Standing(HERE, 5, 9), seconds=30)
        worker.tells(facts.BrokerTrouble("connection refused"))
    assert worker.well == (True, False, True)
    assert worker.report().ready.why == "Kafka does not answer: 1/1 brokers are down"
    worker.turns(facts.Standing(HERE, 5, 9), seconds=91)
    assert worker.well == (True, True, True)
    worker.turns(facts.Standing(HERE, 5, 9), seconds=301)
    assert worker.well == (True, True, False)


def test_what_comes_from_the_broker_shows_that_it_is_back() -> None:
    worker = working()
    worker.tells(facts.BrokerTrouble("1/1 brokers are down", all_down=True))
    worker.tells(facts.BatchApplied(HERE, 6, 1, 0, 0, 0, 0.1))
    assert worker.well == (True, True, True)


def test_before_the_group_answers_the_broker_that_is_away_is_named() -> None:
    worker = Worker()
    worker.tells(facts.BrokerTrouble("1/1 brokers are down", all_down=True))
    assert worker.report().ready.why == "1/1 brokers are down"
