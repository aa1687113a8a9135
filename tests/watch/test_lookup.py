"""A question to a server that may be slow, asked by those who must not wait."""

from __future__ import annotations

from threading import Event, Thread

from foldline.watch.lookup import Lookup


class Server:
    """Answers with a number that goes up, when it is let."""

    def __init__(self) -> None:
        self.clock = 0.0
        self.asked = 0
        self.let = Event()
        self.let.set()

    def ask(self) -> int:
        self.asked += 1
        assert self.let.wait(30)
        return self.asked

    def lookup(self, *, patience: float = 30) -> Lookup[int]:
        return Lookup(self.ask, -1, every=15, patience=patience, now=lambda: self.clock)


def test_an_answer_holds_for_a_while() -> None:
    server = Server()
    lookup = server.lookup()
    assert [lookup.answer(), lookup.answer()] == [1, 1]
    server.clock = 14.9
    assert lookup.answer() == 1
    server.clock = 15.0
    assert lookup.answer() == 2


def test_who_is_not_answered_in_time_does_not_wait_and_nobody_asks_twice() -> None:
    server = Server()
    server.let.clear()
    lookup = server.lookup(patience=0.01)
    assert [lookup.answer() for _ in range(5)] == [-1] * 5
    assert server.asked == 1
    server.let.set()
    while lookup.answer() == -1:
        pass
    assert (lookup.answer(), server.asked) == (1, 1)


def test_those_who_ask_at_the_same_time_get_the_same_answer() -> None:
    server = Server()
    server.let.clear()
    lookup = server.lookup()
    answers: list[int] = []
    threads = [Thread(target=lambda: answers.append(lookup.answer())) for _ in range(5)]
    for thread in threads:
        thread.start()
    server.let.set()
    for thread in threads:
        thread.join()
    assert answers == [1] * 5


def test_an_answer_that_is_too_old_is_not_given_in_place_of_one_that_does_not_come() -> None:
    server = Server()
    lookup = server.lookup(patience=0.01)
    while lookup.answer() == -1:
        pass
    server.let.clear()
    server.clock = 100.0
    assert lookup.answer() == -1
    server.let.set()
