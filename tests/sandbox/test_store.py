"""Nothing accepted and no receipt owed is lost, whatever ends the sandbox or its listener."""

import subprocess
import sys
from pathlib import Path

from services.sandbox.postman import wait_s
from services.sandbox.store import Accepted, Receipt, Store
from tests.sandbox.world import Listener, World, a_world, wait_until

KEEPS_UNTIL_KILLED = """
import sys
from pathlib import Path
from services.sandbox.store import Accepted, Receipt, Store

store, number = Store(Path(sys.argv[1])), 0
while True:
    receipt = Receipt(f"e-{number}", "send", "", 1.0, 1.0)
    store.keep(Accepted(f"m-{number}", "ses", None, 1.0, "{}"), [receipt])
    if number % 5 == 0:
        store.claim(2.0, limit=2)
    print(f"m-{number}", flush=True)
    number += 1
"""


def test_what_was_accepted_survives_kill_9_with_its_receipts(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite"
    command = [sys.executable, "-c", KEEPS_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        told = [keeper.stdout.readline().strip() for _ in range(200)]
        keeper.kill()
        told += keeper.stdout.read().split()

    store = Store(path)

    assert all(store.get("ses", one) for one in told)
    owed = {claimed.about.id for claimed in store.claim(2.0, limit=100_000)}
    assert owed >= set(told)
    store.close()


def test_receipts_wait_for_a_listener_that_refuses(world: World, listener: Listener) -> None:
    listener.status = 503
    world.send()
    wait_until(lambda: len(listener.got) >= 2)
    assert world.counts()["receipts_pending"] == 2

    listener.status = 200

    wait_until(lambda: world.counts()["receipts_pending"] == 0)
    tries = [got.body for got in listener.got]
    assert len(set(tries)) == 2
    assert len(tries) == 4


def test_receipts_owed_at_the_end_are_posted_after_the_next_start(
    tmp_path: Path, listener: Listener
) -> None:
    with a_world(tmp_path, "http://127.0.0.1:9") as world:
        message_id = world.send()
    assert listener.got == []

    with a_world(tmp_path, listener.url):
        events = [got.event for got in listener.wait_for(2)]

    assert {event["mail"]["messageId"] for event in events} == {message_id}


def test_a_claimed_receipt_is_given_to_nobody_else_until_it_is_settled(tmp_path: Path) -> None:
    store = Store(tmp_path / "sandbox.sqlite")
    receipts = [Receipt(f"e-{number}", "send", "", 1.0, 1.0) for number in range(3)]
    store.keep(Accepted("m-1", "ses", "d-1", 1.0, "{}"), receipts)

    posted, refused, untried = store.claim(2.0, limit=5)
    meanwhile = store.claim(2.0, limit=5)
    store.settle(posted=[posted], refused=[(refused, 3.0)], untried=[untried])

    assert meanwhile == []
    assert [one.receipt.event_id for one in store.claim(2.9, limit=5)] == ["e-2"]
    (again,) = store.claim(3.0, limit=5)
    assert (again.receipt.event_id, again.attempts) == ("e-1", 1)
    store.close()


def test_a_receipt_that_is_not_due_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "sandbox.sqlite")
    store.keep(Accepted("m-1", "ses", "d-1", 1.0, "{}"), [Receipt("e-1", "send", "", 1.0, 5.0)])

    assert store.claim(4.9, limit=5) == []
    assert len(store.claim(5.0, limit=5)) == 1
    store.close()


def test_waits_between_tries_double_and_end_at_a_minute() -> None:
    assert [wait_s(attempts) for attempts in (0, 1, 2, 9999)] == [0.5, 1.0, 2.0, 60.0]
