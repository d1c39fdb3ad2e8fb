from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.http.shares import OwnStore, Share, Window

WINDOW = Window(UUID(int=1), "requests", 0)
NEXT = Window(UUID(int=1), "requests", 10)


class CountingStore(OwnStore):
    """Remembers how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def take(self, window: Window, number: int, most: int) -> int | None:
        self.asked += 1
        return super().take(window, number, most)


def test_one_process_gives_out_exactly_the_limit() -> None:
    for most in (1, 2, 19, 20, 100, 1_000):
        share = Share(OwnStore())

        given_out = [share.take(WINDOW, 1, most) for _ in range(most + 5)]

        assert given_out == [True] * most + [False] * 5


@given(
    most=st.integers(1, 300),
    asks=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 60)), max_size=200),
)
def test_processes_together_never_give_out_more_than_the_limit(
    most: int, asks: list[tuple[int, int]]
) -> None:
    store = OwnStore()
    processes = [Share(store) for _ in range(5)]

    given_out = [
        number for process, number in asks if processes[process].take(WINDOW, number, most)
    ]

    assert sum(given_out) <= most


@given(most=st.integers(1, 300), asks=st.lists(st.integers(0, 4), max_size=400))
def test_a_process_is_refused_only_what_the_others_hold(most: int, asks: list[int]) -> None:
    store, given_out = OwnStore(), 0
    processes = [Share(store) for _ in range(5)]

    for process in asks:  # a share is at most a twentieth, and one of it was given out at once
        if processes[process].take(WINDOW, 1, most):
            given_out += 1
        else:
            assert most - given_out <= 4 * (max(1, most // 20) - 1)


@given(
    most=st.integers(1, 100),
    asks=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=100),
)
def test_what_is_put_back_is_given_out_again_and_no_more(
    most: int, asks: list[tuple[int, bool]]
) -> None:
    share, used = Share(OwnStore()), 0

    for number, stored in asks:
        fits = used + number <= most
        assert share.take(WINDOW, number, most) is fits
        if fits and stored:
            used += number
        elif fits:
            share.put_back(WINDOW, number)


def test_threads_of_one_process_never_give_out_more_than_the_limit() -> None:
    share = Share(OwnStore())

    with ThreadPoolExecutor(8) as threads:
        given_out = list(threads.map(lambda _: share.take(WINDOW, 1, 500), range(1_000)))

    assert sum(given_out) == 500


def test_a_new_window_begins_whole() -> None:
    share = Share(OwnStore())
    while share.take(WINDOW, 1, 10):
        pass

    assert share.take(NEXT, 10, 10)
    assert not share.take(NEXT, 1, 10)


def test_what_is_put_back_after_its_window_is_gone() -> None:
    share = Share(OwnStore())
    share.take(WINDOW, 10, 10)
    share.take(NEXT, 10, 10)

    share.put_back(WINDOW, 10)

    assert not share.take(NEXT, 1, 10)


def test_the_store_is_seldom_asked_far_from_the_limit_and_never_above_it() -> None:
    store = CountingStore()
    share = Share(store)

    for _ in range(500):
        share.take(WINDOW, 1, 1_000)
    far = store.asked
    while share.take(WINDOW, 1, 1_000):
        pass
    near = store.asked
    for _ in range(100):
        share.take(WINDOW, 1, 1_000)

    assert far == 10
    assert near < 80
    assert store.asked == near


def test_what_others_took_is_told_after_a_while() -> None:
    store, now = OwnStore(), 0.0
    mine, other = Share(store, timer=lambda: now), Share(store)
    mine.look(WINDOW, 100)
    other.take(WINDOW, 50, 100)

    mine.look(WINDOW, 100)
    before = mine.left(WINDOW, 100)
    now = 10.0
    mine.look(WINDOW, 100)

    assert before == 100
    assert mine.left(WINDOW, 100) == 50


def test_a_limit_that_was_changed_holds_at_once() -> None:
    share = Share(OwnStore())
    share.take(WINDOW, 10, 10)

    assert share.take(WINDOW, 5, 15)
    assert not share.take(WINDOW, 1, 15)
