from concurrent.futures import ThreadPoolExecutor

import pytest

from services.tracking.queries.remembered import Remembered


class FakeTimer:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_an_answer_is_remembered_for_ten_times_its_cost() -> None:
    timer, found = FakeTimer(), []
    remembered = Remembered(timer=timer)

    def find() -> int:
        timer.at += 3.0
        found.append(timer.at)
        return len(found)

    first = remembered.get("k", find)
    timer.at += 29.9
    second = remembered.get("k", find)
    timer.at += 0.2
    third = remembered.get("k", find)

    assert (first, second, third) == (1, 1, 2)


def test_a_cheap_answer_is_remembered_for_two_seconds() -> None:
    timer = FakeTimer()
    remembered = Remembered(timer=timer)

    first = remembered.get("k", lambda: "old")
    timer.at = 1.9
    second = remembered.get("k", lambda: "new")
    timer.at = 2.1
    third = remembered.get("k", lambda: "new")

    assert (first, second, third) == ("old", "old", "new")


def test_many_who_ask_at_once_cost_one_answer() -> None:
    found: list[int] = []
    remembered = Remembered()

    def find() -> int:
        found.append(1)
        return 7

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: remembered.get("k", find), range(32)))

    assert said == [7] * 32
    assert found == [1]


def test_while_a_new_answer_is_found_the_old_one_is_given() -> None:
    timer = FakeTimer()
    remembered = Remembered(timer=timer)
    remembered.get("k", lambda: "old")
    timer.at = 2.1

    with ThreadPoolExecutor(1) as pool:

        def find() -> str:
            meanwhile = pool.submit(remembered.get, "k", lambda: "another")
            return f"new, and meanwhile {meanwhile.result(timeout=10)}"

        said = remembered.get("k", find)

    assert said == "new, and meanwhile old"


def test_a_failure_is_not_remembered_and_holds_nobody_up() -> None:
    remembered = Remembered()

    with pytest.raises(ZeroDivisionError):
        remembered.get("k", lambda: 1 // 0)

    assert remembered.get("k", lambda: 7) == 7


def test_it_does_not_grow_for_ever() -> None:
    remembered = Remembered()

    for number in range(1000):
        remembered.get(number, lambda: number)  # noqa: B023  (called at once)

    assert len(remembered._answers) < 250
