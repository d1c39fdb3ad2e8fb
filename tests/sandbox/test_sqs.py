"""The sandbox's SQS as boto3 sees it: what SES tells waits in a queue, and comes at least once."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from services.sandbox.queue import DEAD, NAME, Queues
from services.sandbox.sqs import REFUSALS
from tests.sandbox.world import ONCE, Listener, World, a_world, wait_until


@pytest.fixture
def world(tmp_path: Path, listener: Listener, identity: Path) -> Iterator[World]:
    shutil.copytree(identity, tmp_path, dirs_exist_ok=True)
    with a_world(tmp_path, listener.url, receipts="sqs") as world:
        yield world


@pytest.fixture
def sqs(world: World) -> Iterator[Any]:
    client = boto3.client(
        "sqs",
        endpoint_url=world.url,
        region_name="eu-west-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=ONCE.merge(Config(read_timeout=30)),
    )
    yield client
    client.close()


def url_of(world: World, name: str = NAME) -> str:
    return f"{world.url}/000000000000/{name}"


def received(sqs: Any, world: World, **told: Any) -> list[dict[str, Any]]:
    told = {"MaxNumberOfMessages": 10} | told
    messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url_of(world), **told).get(
        "Messages", []
    )
    return messages


def events_of(messages: list[dict[str, Any]]) -> list[str]:
    return [json.loads(json.loads(one["Body"])["Message"])["eventType"] for one in messages]


def test_what_ses_tells_waits_in_the_queue_and_nothing_is_posted(
    world: World, listener: Listener, sqs: Any
) -> None:
    message_id = world.send()
    wait_until(lambda: world.counts()["receipts_pending"] == 0)

    messages = received(sqs, world)

    assert sorted(events_of(messages)) == ["Delivery", "Send"]
    envelope = json.loads(messages[0]["Body"])
    assert envelope["Type"] == "Notification"
    assert json.loads(envelope["Message"])["mail"]["messageId"] == message_id
    assert listener.got == []


def test_print_receipts_are_posted_all_the_same(world: World, listener: Listener) -> None:
    world.order("key-1")

    assert {got.path for got in listener.wait_for(4)} == {"/v1/receipts/print_vendor"}


def test_a_long_poll_answers_as_soon_as_something_comes(world: World, sqs: Any) -> None:
    began = time.monotonic()
    world.send()

    messages = received(sqs, world, WaitTimeSeconds=20)

    assert messages
    assert time.monotonic() - began < 5


def test_a_poll_that_is_given_up_takes_nothing_with_it(world: World, sqs: Any) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        world.http.request(
            "POST",
            world.url,
            body=json.dumps({"QueueUrl": url_of(world), "WaitTimeSeconds": 20}),
            headers={"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Authorization": "any"},
            timeout=0.3,
        )
    time.sleep(0.5)
    world.sandbox.queues.put("later")

    assert [one["Body"] for one in received(sqs, world)] == ["later"]


def test_what_is_in_hand_is_hidden_until_its_time_is_over(world: World, sqs: Any) -> None:
    world.sandbox.queues.put("one")

    [first] = received(sqs, world, VisibilityTimeout=1)
    meanwhile = received(sqs, world)
    [again] = received(sqs, world, WaitTimeSeconds=5, MessageSystemAttributeNames=["All"])

    assert meanwhile == []
    assert again["MessageId"] == first["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_handle_of_an_earlier_time_deletes_nothing(world: World, sqs: Any) -> None:
    world.sandbox.queues.put("one")
    [first] = received(sqs, world, VisibilityTimeout=0)
    [second] = received(sqs, world)

    sqs.delete_message(QueueUrl=url_of(world), ReceiptHandle=first["ReceiptHandle"])
    assert world.sandbox.queues.numbers(NAME) == (0, 1)

    sqs.delete_message(QueueUrl=url_of(world), ReceiptHandle=second["ReceiptHandle"])
    assert world.sandbox.queues.numbers(NAME) == (0, 0)


def test_visibility_can_get_lost(world: World, sqs: Any) -> None:
    world.faults(receipts={"reappear": 1})
    world.sandbox.queues.put("one")

    assert [len(received(sqs, world)) for _ in range(2)] == [1, 1]


def test_a_receipt_can_come_twice(world: World, sqs: Any) -> None:
    world.faults(receipts={"duplicate": 1})
    world.send()
    wait_until(lambda: world.sandbox.queues.numbers(NAME) == (4, 0))

    ids = [json.loads(one["Body"])["MessageId"] for one in received(sqs, world)]

    assert (len(ids), len(set(ids))) == (4, 2)


def test_receipts_can_get_lost(world: World) -> None:
    world.faults(receipts={"drop": 1})

    world.send()

    wait_until(lambda: world.counts()["receipts_pending"] == 0)
    assert world.sandbox.queues.numbers(NAME) == (0, 0)


def test_receipts_can_come_out_of_order(world: World, sqs: Any) -> None:
    world.faults(receipts={"shuffle": True})
    for number in range(5):
        world.send(delivery_id=f"delivery-{number}")
    wait_until(lambda: world.sandbox.queues.numbers(NAME) == (10, 0))

    said = [json.loads(json.loads(one["Body"])["Message"]) for one in received(sqs, world)]

    first = {one["mail"]["messageId"]: one["eventType"] for one in reversed(said)}
    assert "Delivery" in first.values()


def test_what_waits_outlives_a_restart(tmp_path: Path) -> None:
    queues = Queues(tmp_path / "queue.sqlite")
    queues.put("one")
    [in_hand] = queues.receive(NAME, most=10, hidden_s=0.2)
    queues.close()

    queues = Queues(tmp_path / "queue.sqlite")

    wait_until(lambda: queues.numbers(NAME) == (1, 0))
    [again] = queues.receive(NAME, most=10, hidden_s=30)
    assert (again.id, again.body, again.times) == (in_hand.id, "one", 2)
    queues.close()


@pytest.mark.parametrize("kind", REFUSALS)
def test_sqs_refuses_in_its_own_words(world: World, sqs: Any, kind: str) -> None:
    world.faults(sqs=[{"kind": kind, "next": 1}])

    with pytest.raises(ClientError) as refused:
        received(sqs, world)

    assert refused.value.response["Error"]["Code"] == REFUSALS[kind].old_name
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == REFUSALS[kind].status


def test_an_answer_that_got_lost_hides_what_it_held(world: World, sqs: Any) -> None:
    world.sandbox.queues.put("one")
    world.faults(sqs=[{"kind": "reset_after", "next": 1}])

    with pytest.raises(ConnectionClosedError):
        received(sqs, world)

    assert world.sandbox.queues.numbers(NAME) == (0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"MaxNumberOfMessages": number} for number in (0, 11)),
        *({"WaitTimeSeconds": seconds} for seconds in (-1, 21)),
        {"VisibilityTimeout": 50_000},
    ],
)
def test_what_sqs_does_not_allow_is_refused(world: World, sqs: Any, wrong: Any) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        received(sqs, world, **wrong)


@pytest.mark.parametrize("entries", [[], ["a", "a"], [str(number) for number in range(11)]])
def test_a_batch_is_one_to_ten_entries_with_names_of_their_own(
    world: World, sqs: Any, entries: list[str]
) -> None:
    told = [{"Id": one, "ReceiptHandle": "x"} for one in entries]

    with pytest.raises(ClientError, match="InvalidParameterValue"):
        sqs.delete_message_batch(QueueUrl=url_of(world), Entries=told)


def test_a_call_that_is_not_signed_or_not_known_is_refused(world: World) -> None:
    def call(**headers: str) -> str:
        answer = world.http.request("POST", world.url, body=b"{}", headers=headers)
        return f"{answer.status} {answer.json()['__type']}"

    assert call() == "403 com.amazonaws.sqs#MissingAuthenticationToken"
    assert call(Authorization="any") == "400 com.amazonaws.sqs#UnsupportedOperation"


def test_the_dead_letters_are_a_queue_of_their_own(world: World, sqs: Any) -> None:
    world.sandbox.queues.put("of no use")
    for _ in range(6):
        received(sqs, world, VisibilityTimeout=0)

    answer = sqs.receive_message(QueueUrl=url_of(world, DEAD), MessageSystemAttributeNames=["All"])

    assert [one["Body"] for one in answer["Messages"]] == ["of no use"]
    assert received(sqs, world) == []


def test_the_queue_tells_its_policy(world: World, sqs: Any) -> None:
    told = sqs.get_queue_attributes(QueueUrl=url_of(world), AttributeNames=["All"])["Attributes"]

    assert json.loads(told["RedrivePolicy"])["maxReceiveCount"] == 5
    assert told["VisibilityTimeout"] == "30"
