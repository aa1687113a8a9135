"""What is heard from the client and the group when brokers go and come back. Without a broker."""

from __future__ import annotations

import json

import pytest

from foldline import facts
from foldline.kafka.statistics import GroupAnswer
from foldline.kafka.trouble import SeldomSaid

ALL_DOWN = facts.BrokerTrouble("1/1 brokers are down", all_down=True)
REFUSED = facts.BrokerTrouble("Connection refused (after 12ms in state CONNECT)")


def test_the_same_is_said_seldom_but_that_all_are_down_is_news_once_one_has_answered() -> None:
    told: list[facts.BrokerTrouble] = []
    seldom = SeldomSaid(lambda fact: told.append(fact) if isinstance(fact, facts.BrokerTrouble) else None)
    for _ in range(2):
        seldom.hear(ALL_DOWN)
        seldom.hear(REFUSED)
    assert told == [ALL_DOWN, REFUSED]
    seldom.answered()
    for _ in range(2):
        seldom.hear(REFUSED)
        seldom.hear(ALL_DOWN)
    assert told == [ALL_DOWN, REFUSED, ALL_DOWN]


def _said(state: str, seconds: float) -> str:
    return json.dumps({"cgrp": {"state": state, "stateage": int(seconds * 1000)}})


def test_a_member_with_nothing_to_do_is_told_so_once() -> None:
    answer = GroupAnswer()
    assert not answer.is_nothing(json.dumps({}), 1.0)
    assert not answer.is_nothing(_said("wait-coord", 9), 2.0)
    assert not answer.is_nothing(_said("up", 2.9), 3.0)
    assert answer.is_nothing(_said("up", 3), 4.0)
    assert not answer.is_nothing(_said("up", 4), 5.0)


def test_a_member_whose_session_ran_out_is_told_again_but_not_at_once() -> None:
    answer = GroupAnswer()
    answer.came()
    assert not answer.is_nothing(_said("up", 60), 100.0)
    answer.lost(100.0)
    assert not answer.is_nothing(_said("up", 62), 102.0)
    assert answer.is_nothing(_said("up", 64), 104.0)


@pytest.mark.parametrize("lost_before", [True, False])
def test_an_assignment_is_the_answer(lost_before: bool) -> None:  # noqa: FBT001 - a case
    answer = GroupAnswer()
    if lost_before:
        answer.lost(1.0)
    answer.came()
    assert not answer.is_nothing(_said("up", 60), 100.0)
