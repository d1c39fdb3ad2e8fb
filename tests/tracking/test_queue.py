"""The adapter against two queues: moto's, the independent judge, and the sandbox's."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from services.sandbox.queue import DEAD, NAME
from services.tracking.listen import QueueAway
from services.tracking.queue import SqsQueue, connect_sqs
from services.tracking.receipts.ses import reader
from services.tracking.words import EventWord
from tests.sandbox.world import World, a_world
from tests.tracking.receipts.signing import payload


@dataclass
class Judged:
    """A queue under test: its client, its address, and that of its dead letters."""

    client: Any
    url: str
    dead_url: str

    @property
    def queue(self) -> SqsQueue:
        return SqsQueue(self.client, self.url, longest_wait_s=1)

    def put(self, *bodies: str) -> None:
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def numbers(self, url: str = "") -> tuple[int, int]:
        """Visible, and in somebody's hands."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.client.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)
        return (int(told["Attributes"][names[0]]), int(told["Attributes"][names[1]]))


def client_of(endpoint_url: str | None) -> Any:
    return connect_sqs(
        region="eu-central-1",
        endpoint_url=endpoint_url,
        access_key_id="any",
        secret_access_key="any",
    )


def of_moto() -> Judged:
    client = client_of(None)
    dead_url = client.create_queue(QueueName="dead")["QueueUrl"]
    dead = client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": dead["Attributes"]["QueueArn"], "maxReceiveCount": 5}
    made = client.create_queue(
        QueueName="receipts", Attributes={"RedrivePolicy": json.dumps(policy)}
    )
    return Judged(client, made["QueueUrl"], dead_url)


def of_sandbox(world: World) -> Judged:
    client = client_of(world.url)
    urls = [client.get_queue_url(QueueName=name)["QueueUrl"] for name in (NAME, DEAD)]
    return Judged(client, *urls)


@pytest.fixture(params=["moto", "sandbox"])
def judged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Judged]:
    if request.param == "moto":
        with mock_aws():
            yield of_moto()
        return
    with a_world(tmp_path, "http://127.0.0.1:9") as world:
        made = of_sandbox(world)
        yield made
        made.client.close()


def test_what_was_put_in_is_received_with_its_words(judged: Judged) -> None:
    judged.put('{"a": "é \\ud800 \\n"}')

    [message] = judged.queue.receive(wait=True)

    assert message.body.decode() == '{"a": "é \\ud800 \\n"}'
    assert message.id
    assert message.handle


def test_an_empty_queue_gives_nothing_with_and_without_waiting(judged: Judged) -> None:
    assert list(judged.queue.receive(wait=False)) == []
    assert list(judged.queue.receive(wait=True)) == []


def test_an_answer_holds_ten_and_what_is_in_hand_is_shown_to_nobody_else(judged: Judged) -> None:
    judged.put(*(str(number) for number in range(12)))

    first, second, third = (judged.queue.receive(wait=False) for _ in range(3))

    assert (len(first), len(second), len(third)) == (10, 2, 0)
    assert {one.body for one in [*first, *second]} == {b"%d" % number for number in range(12)}
    assert judged.numbers() == (0, 12)


def test_more_than_ten_are_deleted_by_tens(judged: Judged) -> None:
    judged.put(*(str(number) for number in range(23)))
    in_hand = [one for _ in range(3) for one in judged.queue.receive(wait=False)]

    judged.queue.delete(in_hand)

    assert len(in_hand) == 23
    assert judged.numbers() == (0, 0)


def test_what_is_received_in_vain_too_often_goes_to_the_dead_letters(judged: Judged) -> None:
    judged.put("of no use")

    seen = [
        judged.client.receive_message(QueueUrl=judged.url, VisibilityTimeout=0) for _ in range(6)
    ]

    assert [len(one.get("Messages", ())) for one in seen] == [1, 1, 1, 1, 1, 0]
    assert judged.numbers(judged.dead_url) == (1, 0)


def test_a_queue_that_is_not_there_is_away(judged: Judged) -> None:
    queue = SqsQueue(judged.client, judged.url + "-not")

    with pytest.raises(QueueAway, match="NonExistentQueue|QueueDoesNotExist"):
        queue.receive(wait=False)


def test_a_host_that_is_not_there_is_away() -> None:
    client = client_of("http://127.0.0.1:1")

    with pytest.raises(QueueAway):
        SqsQueue(client, "http://127.0.0.1:1/1/writ").receive(wait=True)
    client.close()


def test_a_machine_without_any_key_is_told_so_and_not_as_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = connect_sqs(
        region="eu-central-1",
        endpoint_url="http://127.0.0.1:1",
        access_key_id="",
        secret_access_key="",
    )

    with pytest.raises(QueueAway, match="NoCredentialsError"):
        SqsQueue(client, "http://127.0.0.1:1/1/writ").receive(wait=True)
    client.close()


def test_a_message_that_could_not_be_deleted_stops_none_beside_it(judged: Judged) -> None:
    judged.put("a", "b")
    in_hand = list(judged.queue.receive(wait=False))
    judged.queue.delete(in_hand[:1])

    judged.queue.delete(in_hand)  # the first handle names nothing any more

    assert judged.numbers() == (0, 0)


@pytest.mark.parametrize("raw", [False, True])
@mock_aws
def test_what_sns_puts_into_a_queue_is_read_enveloped_or_raw(raw: bool) -> None:
    judged = of_moto()
    arn = judged.client.get_queue_attributes(QueueUrl=judged.url, AttributeNames=["QueueArn"])
    sns: Any = boto3.client("sns", "eu-central-1", **_ANY_KEY)
    topic = sns.create_topic(Name="writ-events")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": str(raw).lower()},
    )
    said = payload("ses/bounce_permanent.json")
    published = sns.publish(TopicArn=topic, Message=said, Subject="Amazon SES Email Event")

    [message] = judged.queue.receive(wait=True)
    receipt = reader(frozenset({topic}), None)(message.body)

    assert receipt is not None
    assert receipt.fact is not None
    assert (receipt.fact.word, receipt.fact.status) == (EventWord.BOUNCED, "5.1.1")
    assert (receipt.source_id == published["MessageId"]) is not raw
    assert receipt.source_id.startswith("raw-") is raw


_ANY_KEY: dict[str, Any] = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}


def test_the_two_queues_refuse_alike(judged: Judged) -> None:
    wrong: list[Callable[[], object]] = [
        lambda: judged.client.receive_message(QueueUrl=judged.url, MaxNumberOfMessages=11),
        lambda: judged.client.receive_message(QueueUrl=judged.url, WaitTimeSeconds=21),
    ]

    for call in wrong:
        with pytest.raises(ClientError) as refused:
            call()
        assert "InvalidParameterValue" in refused.value.response["Error"]["Code"]
