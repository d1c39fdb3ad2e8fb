"""What a fact says about an address, by its word, its reason and its status."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.bad_addresses import SOFT_BOUNCES, Meaning, Soft, meaning, too_often
from services.tracking.words import EventWord
from tests.tracking.builders import NOON

DAY = dt.timedelta(days=1)
BOUNCED, DEFERRED = EventWord.BOUNCED, EventWord.DEFERRED


@pytest.mark.parametrize(
    ("word", "reason", "status", "means"),
    [
        (BOUNCED, "hard", "5.1.1", Meaning.BAD_ADDRESS),
        (BOUNCED, "hard", None, Meaning.BAD_ADDRESS),
        (BOUNCED, "no_such_mailbox", None, Meaning.BAD_ADDRESS),
        (BOUNCED, "hard", "5.4.4", Meaning.BAD_ADDRESS),
        (BOUNCED, "hard", "5.7.13", Meaning.BAD_ADDRESS),
        (BOUNCED, "policy_rejected", "5.7.17", Meaning.BAD_ADDRESS),
        (BOUNCED, "hard", "5.2.2", Meaning.SOFT),
        (BOUNCED, "mailbox_full", "4.2.2", Meaning.SOFT),
        (BOUNCED, "soft", None, Meaning.SOFT),
        (BOUNCED, "undetermined", None, Meaning.SOFT),
        (EventWord.EXPIRED, "gave_up", "4.4.7", Meaning.SOFT),
        (BOUNCED, "hard", "5.7.1", Meaning.POLICY),
        (BOUNCED, "soft", "4.7.0", Meaning.POLICY),
        (EventWord.EXPIRED, "gave_up", "4.7.1", Meaning.POLICY),  # it never let us in
        (BOUNCED, "content_rejected", None, Meaning.POLICY),
        (DEFERRED, "spam_detected", None, Meaning.POLICY),
        (DEFERRED, "sender_blocked", None, Meaning.POLICY),
        (DEFERRED, "general", "4.7.28", Meaning.POLICY),
        (DEFERRED, "general", "4.7.1", Meaning.NOTHING),  # greylisting
        (DEFERRED, "mailbox_full", "4.2.2", Meaning.NOTHING),  # the provider tries on
        (BOUNCED, "message_too_large", "5.3.4", Meaning.NOTHING),
        (BOUNCED, "hard", "5.3.4", Meaning.NOTHING),
        (BOUNCED, "hard", "5.6.0", Meaning.NOTHING),
        (BOUNCED, "attachment_rejected", None, Meaning.NOTHING),
        (EventWord.AUTO_REPLIED, "out_of_office", None, Meaning.NOTHING),
        (EventWord.AUTO_REPLIED, "out_of_office", "5.1.1", Meaning.NOTHING),
        (EventWord.DELIVERED, None, "2.0.0", Meaning.NOTHING),
        (EventWord.RETURNED, None, None, Meaning.NOTHING),  # a letter
        (EventWord.COMPLAINED, "abuse", None, Meaning.COMPLAINT),
        (EventWord.COMPLAINED, "unspecified", None, Meaning.COMPLAINT),
        (EventWord.COMPLAINED, "not_spam", None, Meaning.NOTHING),
        (EventWord.COMPLAINED, "own_stop_list", None, Meaning.WITHHELD),
        (EventWord.SUPPRESSED, "own_stop_list", None, Meaning.WITHHELD),
        (EventWord.SUPPRESSED, "global_stop_list", "5.1.1", Meaning.WITHHELD),
    ],
)
def test_what_a_fact_means(
    word: EventWord, reason: str | None, status: str | None, means: Meaning
) -> None:
    assert meaning(word, reason, status) is means


STATUSES = st.from_regex(r"\A[245]\.[0-9]{1,2}\.[0-9]{1,3}\Z")


@given(st.sampled_from(EventWord), st.none() | st.text(max_size=12), st.none() | STATUSES)
def test_only_a_bounce_ends_an_address_and_only_for_good(
    word: EventWord, reason: str | None, status: str | None
) -> None:
    means = meaning(word, reason, status)

    if means is Meaning.BAD_ADDRESS:
        assert word in {BOUNCED, EventWord.EXPIRED}
        assert reason in {"hard", "no_such_mailbox"} or (status or "").startswith("5.7.")


FULL = SOFT_BOUNCES["mailbox_full"]
MOMENTS = st.lists(
    st.integers(min_value=0, max_value=30 * 24).map(lambda hours: NOON - dt.timedelta(hours=hours))
)


@given(MOMENTS, st.randoms())
def test_enough_means_so_many_at_least_a_day_apart_within_the_time(
    moments: list[dt.datetime], random: object
) -> None:
    first = too_often(moments, FULL, NOON)
    shuffled = sorted(moments, key=lambda _: random.random())  # type: ignore[attr-defined]

    assert too_often([*shuffled, *moments], FULL, NOON) == first
    assert (first is not None) is (most_apart(moments, FULL) >= FULL.number)


def most_apart(moments: list[dt.datetime], rule: Soft) -> int:
    """The most of them that can be chosen a day apart: the earliest first is the best choice."""
    chosen: list[dt.datetime] = []
    for moment in sorted(moment for moment in moments if moment >= NOON - rule.within):
        if not chosen or moment - chosen[-1] >= rule.apart:
            chosen.append(moment)
    return len(chosen)


def test_a_bad_afternoon_counts_once() -> None:
    afternoon = [NOON - dt.timedelta(hours=hours) for hours in range(20)]

    assert too_often(afternoon, FULL, NOON) is None


@pytest.mark.parametrize(("days", "enough"), [(5, True), (4, False)])
def test_five_days_running_are_enough(days: int, enough: bool) -> None:
    moments = [NOON - number * DAY for number in range(days)]

    assert (too_often(moments, FULL, NOON) is not None) is enough


def test_what_happened_long_ago_counts_no_more() -> None:
    moments = [NOON - 15 * DAY - number * DAY for number in range(5)]

    assert too_often(moments, FULL, NOON) is None
