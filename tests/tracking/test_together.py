"""Receipts that come at the same moment share a transaction; each caller gets its own answer."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.tracking.receipts.contract import Receipt
from services.tracking.record import Recorded
from services.tracking.together import MOST, Together


def a_receipt(name: str) -> Receipt:
    return Receipt(source="ses", source_id=name, body="{}", delivery_id=None, fact=None)


class Slow:
    """Takes receipts, one transaction after the other, when it is let; some cannot be stored."""

    def __init__(self, *, unfit: Sequence[str] = ()) -> None:
        self.unfit = set(unfit)
        self.calls: list[list[str]] = []
        self.at_work = 0
        self.entered = threading.Semaphore(0)
        self.let = threading.Event()

    def take(self, given: Sequence[Receipt]) -> list[Recorded | None]:
        self.at_work += 1
        assert self.at_work == 1, "two transactions at once"
        self.entered.release()
        assert self.let.wait(20)
        names = [one.source_id for one in given]
        self.calls.append(names)
        self.at_work -= 1
        if self.unfit & set(names):
            raise ValueError("cannot be stored")
        return [Recorded.REPEATED if "again" in name else Recorded.KEPT for name in names]


def test_one_alone_goes_at_once() -> None:
    slow = Slow()
    slow.let.set()
    together = Together(slow.take)

    assert together.take([a_receipt("a"), a_receipt("b again")]) == ["kept", "repeated"]
    assert together.take([a_receipt("c")]) == ["kept"]
    assert slow.calls == [["a", "b again"], ["c"]]


def meanwhile(slow: Slow, together: Together, names: Sequence[str]) -> dict[str, object]:
    """The first is at work while all others come; what each was told."""

    def told(name: str) -> object:
        try:
            [recorded] = together.take([a_receipt(name)])
        except ValueError as error:
            return str(error)
        return recorded

    with ThreadPoolExecutor(len(names)) as threads:
        first = threads.submit(told, names[0])
        assert slow.entered.acquire(timeout=20)
        others = {name: threads.submit(told, name) for name in names[1:]}
        while len(together._waiting) < len(others):
            pass
        slow.let.set()
        return {names[0]: first.result()} | {name: one.result() for name, one in others.items()}


def test_who_comes_meanwhile_shares_the_next() -> None:
    slow = Slow()
    names = [f"{number} again" if number % 3 == 0 else str(number) for number in range(20)]

    told = meanwhile(slow, Together(slow.take), names)

    assert told == {name: "repeated" if "again" in name else "kept" for name in names}
    assert [len(call) for call in slow.calls] == [1, 19]


def test_what_cannot_be_stored_spoils_no_other() -> None:
    slow = Slow(unfit=["bad"])

    told = meanwhile(slow, Together(slow.take), ["first", "bad", "good", "better"])

    assert told == {"first": "kept", "bad": "cannot be stored", "good": "kept", "better": "kept"}


def test_more_than_fit_are_served_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.tracking.together.MOST", 4)
    slow = Slow()
    names = [str(number) for number in range(12)]

    told = meanwhile(slow, Together(slow.take), names)

    assert set(told.values()) == {"kept"}
    assert sorted(name for call in slow.calls for name in call) == sorted(names)
    assert max(map(len, slow.calls)) <= 4 < MOST


def test_a_leader_that_is_stopped_leaves_nobody_waiting() -> None:
    class Stopped(BaseException):
        pass

    def stopped(_: Sequence[Receipt]) -> list[Recorded | None]:
        raise Stopped

    together = Together(stopped)
    with pytest.raises(Stopped):
        together.take([a_receipt("a")])
    with pytest.raises(Stopped):  # and not for ever in line behind it
        together.take([a_receipt("b")])
