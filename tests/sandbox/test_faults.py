"""Faults on demand: what the caller sees, and what the sandbox really took meanwhile."""

import time
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from urllib3.exceptions import ProtocolError

from services.sandbox import print_vendor, ses
from services.sandbox.faults import FaultBook, Faults, WireFault
from services.sandbox.wire import THREADS
from tests.sandbox.world import Listener, World

UNTIL_GONE = {"seconds": 30}  # far longer than any caller here waits
UNSEEN: dict[str, tuple[type[Exception], int]] = {  # what boto3 raises, and how many were taken
    WireFault.STALL: (ReadTimeoutError, 0),
    WireFault.STALL_AFTER: (ReadTimeoutError, 1),
    WireFault.RESET_BEFORE: (ConnectionClosedError, 0),
    WireFault.RESET_AFTER: (ConnectionClosedError, 1),
    WireFault.ERROR_AFTER: (ClientError, 1),
    WireFault.GARBAGE_AFTER: (KeyError, 1),  # boto3 returns it, without a MessageId
}


@pytest.mark.parametrize("kind", WireFault)
def test_a_fault_of_the_wire_hides_from_the_caller_whether_the_email_was_taken(
    world: World, kind: WireFault
) -> None:
    error, taken = UNSEEN[kind]
    world.faults(ses=[{"kind": kind, "next": 1, **UNTIL_GONE}])

    with pytest.raises(error):
        world.send()

    assert world.counts()["emails"] == taken
    assert world.send()


@pytest.mark.parametrize("kind", ses.REFUSALS)
def test_ses_refuses_in_its_own_words_and_takes_nothing(untouched: World, kind: str) -> None:
    refusal = ses.REFUSALS[kind]
    untouched.faults(ses=[{"kind": kind, "next": 1}])

    with pytest.raises(ClientError) as refused:
        untouched.send()

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == refusal.status
    assert refused.value.response["Error"]["Code"] == refusal.kind
    assert refused.value.response["Error"]["Message"] == refusal.message
    assert untouched.counts()["emails"] == 0


@pytest.mark.parametrize("kind", print_vendor.REFUSALS)
def test_the_print_vendor_refuses_with_a_problem_and_takes_nothing(
    untouched: World, kind: str
) -> None:
    status, code, _ = print_vendor.REFUSALS[kind]
    untouched.faults(print=[{"kind": kind, "next": 1}])

    answer = untouched.order("key-1")

    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert untouched.counts()["letters"] == 0


def test_a_reset_is_a_reset_and_not_a_polite_end(world: World) -> None:
    world.faults(print=[{"kind": "reset_before", "next": 1}])

    with pytest.raises(ProtocolError, match="ConnectionResetError"):
        world.order("key-1")


def test_an_order_whose_answer_was_lost_is_found_by_its_key(world: World) -> None:
    world.faults(print=[{"kind": "reset_after", "next": 1}])

    with pytest.raises(ProtocolError):
        world.order("key-1")
    again = world.order("key-1")

    assert again.headers["Idempotent-Replayed"] == "true"
    assert world.counts()["letters"] == 1


def test_a_caller_that_gives_up_frees_its_place(world: World) -> None:
    world.faults(ses=[{"kind": "stall", "next": 1, **UNTIL_GONE}])
    with pytest.raises(ReadTimeoutError):
        world.send()

    for _ in range(THREADS):
        world.send()

    assert world.counts()["emails"] == THREADS


def test_a_share_of_the_calls_suffers_and_the_same_seed_chooses_the_same() -> None:
    def strikes(seed: int) -> list[bool]:
        book = FaultBook(seed, {"ses": ses.REFUSALS})
        book.put(Faults.model_validate({"ses": [{"kind": "500", "share": 0.1}]}))
        return [book.draw("ses") is not None for _ in range(2000)]

    first = strikes(1)

    assert 140 < sum(first) < 260
    assert strikes(1) == first
    assert strikes(2) != first


def test_faults_are_shown_and_taken_back(world: World) -> None:
    world.faults(ses=[{"kind": "throttle", "next": 3}])

    shown = world.call("GET", "/sandbox/faults")
    after = world.call("DELETE", "/sandbox/faults")

    assert shown["ses"][0]["kind"] == "throttle"
    assert (after["ses"], after["print"]) == ([], [])
    assert world.send()


@pytest.mark.parametrize(
    "wrong",
    [
        {"ses": [{"kind": "no such kind", "share": 1}]},
        {"ses": [{"kind": "no_credit", "next": 1}]},
        {"ses": [{"kind": "throttle"}]},
        {"ses": [{"kind": "throttle", "share": 0.5, "next": 1}]},
        {"ses": [{"kind": "throttle", "share": 1.5}]},
        {"receipts": {"lose": 1}},
    ],
)
def test_a_fault_that_nobody_knows_is_refused_and_changes_nothing(
    untouched: World, wrong: dict[str, Any]
) -> None:
    before = untouched.call("GET", "/sandbox/faults")

    answer = untouched.http.request("PUT", f"{untouched.url}/sandbox/faults", json=wrong)

    assert answer.status == 422
    assert untouched.call("GET", "/sandbox/faults") == before


def test_a_receipt_can_come_twice(world: World, listener: Listener) -> None:
    world.faults(receipts={"duplicate": 1})

    world.send()

    ids = [got.envelope["MessageId"] for got in listener.wait_for(4)]
    assert len(set(ids)) == 2


def test_receipts_can_get_lost(world: World, listener: Listener) -> None:
    world.faults(receipts={"drop": 1})

    world.send()

    listener.wait_for(0)
    assert world.counts()["receipts_pending"] == 0


def test_receipts_can_be_late(world: World, listener: Listener) -> None:
    world.faults(receipts={"delay_s": 0.5})

    world.send()

    time.sleep(0.3)
    assert listener.got == []
    listener.wait_for(2)


def test_receipts_can_come_out_of_order(world: World, listener: Listener) -> None:
    world.faults(receipts={"shuffle": True})

    for number in range(10):
        world.send(delivery_id=f"delivery-{number}")

    events = [got.event for got in listener.wait_for(20)]
    first = {event["mail"]["messageId"]: event["eventType"] for event in reversed(events)}
    assert "Delivery" in first.values()
