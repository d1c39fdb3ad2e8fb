"""The sandbox's account at SES: what it says of itself, and what it enforces when asked to."""

import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from services.sandbox.faults import FaultBook
from services.sandbox.ses_account import DAY_S, Account
from services.sandbox.store import Accepted, Store
from tests.sandbox.test_ses_bulk import a_call, an_entry
from tests.sandbox.world import SETTINGS, World, a_world

ENFORCED = {"enforced": True}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "sandbox.sqlite")


def an_account(store: Store, **state: object) -> Account:
    book = FaultBook(1, {})
    book.put(book.faults.model_validate({"account": state}))
    return Account(SETTINGS, store, book)


def sent(world: World) -> float:
    return world.ses.get_account()["SendQuota"]["SentLast24Hours"]


def test_it_counts_recipients_and_refuses_none_by_default(world: World) -> None:
    world.send()
    world.send(Destination={"ToAddresses": ["a@x.example", "b@x.example"]})
    world.ses.send_bulk_email(**a_call(an_entry(), an_entry()))

    account = world.ses.get_account()

    assert account["SendQuota"]["SentLast24Hours"] == 5
    assert account["SendQuota"]["Max24HourSend"] == 10_000_000
    assert (account["SendingEnabled"], account["EnforcementStatus"]) == (True, "HEALTHY")


def test_a_restart_forgets_nothing_of_what_was_sent(tmp_path: Path) -> None:
    with a_world(tmp_path, "http://127.0.0.1:9") as world:
        world.send(Destination={"ToAddresses": ["a@x.example", "b@x.example"]})

    with a_world(tmp_path, "http://127.0.0.1:9") as world:
        world.send()

        assert sent(world) == 3


def test_above_the_quota_of_24_hours_nothing_is_taken(world: World) -> None:
    world.faults(account={"max_24h": 2, **ENFORCED})
    world.send()
    told = world.ses.send_bulk_email(**a_call(an_entry(), an_entry()))["BulkEmailEntryResults"]

    with pytest.raises(ClientError, match="Daily message quota exceeded"):
        world.send()

    assert [one["Status"] for one in told] == ["SUCCESS", "ACCOUNT_DAILY_QUOTA_EXCEEDED"]
    assert world.counts()["emails"] == 2


def test_the_24_hours_are_rolling(store: Store) -> None:
    now = time.time()
    store.keep(Accepted("m-1", "ses", None, now - DAY_S - 120, '{"destination": ["a"]}'), [])
    account = an_account(store, max_24h=1, **ENFORCED)

    assert account.admit(1, now) is None
    assert account.admit(1, now + DAY_S / 2) == "quota"
    assert account.admit(1, now + DAY_S + 120) is None
    store.close()


def test_faster_than_the_rate_is_too_fast_and_slower_is_not(store: Store) -> None:
    account, began = an_account(store, max_rate_per_s=20, **ENFORCED), time.monotonic()

    at_once = [account.admit(1, time.time()) for _ in range(200)]
    took = time.monotonic() - began
    time.sleep(0.2)

    meanwhile = int(took * 20) + 1
    assert at_once.count(None) in range(20, 20 + meanwhile + 1)  # a second's worth, and that
    assert set(at_once) == {None, "throttle"}
    assert account.admit(1, time.time()) is None
    store.close()


def test_many_recipients_at_once_use_up_the_seconds_to_come(store: Store) -> None:
    account = an_account(store, max_rate_per_s=10, **ENFORCED)

    assert account.admit(50, time.time()) is None
    time.sleep(0.3)
    assert account.admit(1, time.time()) == "throttle"
    store.close()


def test_entries_beyond_the_rate_are_throttled_one_by_one(world: World) -> None:
    world.faults(account={"max_rate_per_s": 1, **ENFORCED})

    told = world.ses.send_bulk_email(**a_call(*[an_entry()] * 5))["BulkEmailEntryResults"]

    assert [one["Status"] for one in told] == ["SUCCESS"] + ["ACCOUNT_THROTTLED"] * 4
    assert world.counts()["emails"] == 1


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"sending_enabled": False}, "SendingPausedException"),
        ({"enforcement": "SHUTDOWN"}, "AccountSuspendedException"),
    ],
)
def test_an_account_that_may_not_send_takes_nothing_and_says_so(
    untouched: World, state: dict[str, object], code: str
) -> None:
    untouched.faults(account=state)

    with pytest.raises(ClientError) as refused:
        untouched.send()

    assert refused.value.response["Error"]["Code"] == code
    assert not untouched.ses.get_account()["SendingEnabled"]
    assert untouched.counts()["emails"] == 0
    untouched.faults()


def test_the_account_may_be_asked_once_a_second_where_that_counts(world: World) -> None:
    world.faults(account=ENFORCED)
    world.ses.get_account()

    with pytest.raises(ClientError, match="TooManyRequestsException"):
        world.ses.get_account()


def test_asking_can_fail_without_hurting_what_is_sent(world: World) -> None:
    world.faults(ses_account=[{"kind": "500", "next": 1}])

    assert world.send()
    with pytest.raises(ClientError, match="InternalFailure"):
        world.ses.get_account()


def test_who_does_not_sign_learns_nothing_of_the_account(untouched: World) -> None:
    assert untouched.http.request("GET", f"{untouched.url}/v2/email/account").status == 403
