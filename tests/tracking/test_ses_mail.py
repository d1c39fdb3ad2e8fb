"""Mail that SES received comes through the door and the queue of its receipts."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from sqlalchemy import select
from structlog.testing import capture_logs

from services.tracking.app import create_app
from services.tracking.bucket import MailBucket, connect_s3
from services.tracking.inbound import keep as keeping
from services.tracking.inbound.keep import Arrived, Mailroom
from services.tracking.inbound.read import MAX_BYTES
from services.tracking.listen import Message, NotNow, QueueAway
from services.tracking.queue_settings import QueueSettings
from services.tracking.receipts import smtp
from services.tracking.receipts.contract import Receipt
from services.tracking.receipts.ses import reader
from services.tracking.record import Recorded
from services.tracking.ses_mail import MOST_IN_VAIN, MailTaker, Place, received
from services.tracking.worker import make_listeners
from shared.catalogue_reader import CatalogueReader
from shared.database import Database
from shared.reply_address import reply_address
from shared.tables.replies import replies
from shared.tables.tracking import events, receipts
from tests.tracking.builders import NOON, TOPIC, noon, some_settings
from tests.tracking.inbound.letters import MAILBOX, a_bounce, a_mail, an_answer_to
from tests.tracking.inbound.test_keep import POISON, facts, read_all_but_poison, sent
from tests.tracking.receipts.signing import a_certificate, an_envelope
from tests.tracking.test_listen import AQueue, a_message, an_event, hear
from tests.tracking.test_record import a_receipt, count

BUCKET, REGION = "mail-of-ours", "eu-central-1"


def a_notification(content: bytes | None, *recipients: str, **action: str) -> str:
    """As SES writes it ("receiving-email-notifications-examples")."""
    told: dict[str, Any] = {
        "notificationType": "Received",
        "mail": {"timestamp": "2021-12-10T11:30:00.000Z", "messageId": "in-1"},
        "receipt": {
            "timestamp": "2021-12-10T11:30:00.000Z",
            "recipients": list(recipients),
            "spamVerdict": {"status": "PASS"},
            "action": {"type": "SNS", "topicArn": TOPIC, "encoding": "UTF8"} | action,
        },
    }
    return json.dumps(told | ({"content": content.decode()} if content is not None else {}))


def in_bucket(key: str, bucket: str = BUCKET) -> str:
    return a_notification(None, type="S3", bucketName=bucket, objectKey=key)


def as_receipt(notification: str) -> Receipt:
    """Through the queue's own reader."""
    envelope = an_envelope(notification)
    read = reader(frozenset({TOPIC}), None)(envelope)
    assert read is not None
    return read


def a_taker(database: Database, bucket: MailBucket | None = None) -> MailTaker:
    return MailTaker(
        database=database,
        catalogue=CatalogueReader(database),
        clock=noon,
        mailroom=Mailroom(database=database, read_report=smtp.read, clock=noon),
        store=bucket,
    )


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailBucket]:
    """A bucket of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.session.Session().client("s3", region_name=REGION)
        for name in (BUCKET, "of-others"):
            place: Any = {"LocationConstraint": REGION}
            client.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        yield MailBucket(connect_s3(region=REGION, access_key_id="", secret_access_key=""), BUCKET)


def put(bucket: MailBucket, key: str, content: bytes, *, into: str = BUCKET) -> None:
    bucket._client.put_object(Bucket=into, Key=key, Body=content)


def test_a_notification_brings_the_message_itself() -> None:
    content = a_mail("Grüße")

    arrived = received(a_notification(content, "letters+x@campaign.example"))

    assert arrived == Arrived(
        source="ses",
        content=content,
        envelope=("letters+x@campaign.example",),
        at=NOON.replace(hour=11, minute=30),
    )


def test_or_the_message_in_base64() -> None:
    content = a_mail().replace(b"Dear", b"D\xe4r")

    arrived = received(a_notification(base64.b64encode(content), encoding="BASE64"))

    assert isinstance(arrived, Arrived)
    assert arrived.content == content


def test_or_the_place_where_it_lies() -> None:
    assert received(in_bucket("in/1")) == Place(BUCKET, "in/1")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Received",
        '"Received"',
        '{"notificationType": "Bounce", "x": "Received"}',
        '{"Message": "Received"}',
        '{"notificationType": "Received"}',
        '{"notificationType": "Received", "receipt": [], "content": 7}',
        "[" * 100_000 + "Received",
    ],
)
def test_any_other_notification_brings_no_mail(body: str) -> None:
    assert received(body) is None


def test_mail_and_receipts_go_their_own_ways(database: Database) -> None:
    delivery, other = sent(database), sent(database)
    letter = as_receipt(a_notification(an_answer_to(delivery)))
    given = [a_receipt(other), letter, a_receipt(other), letter]

    recorded = a_taker(database).take(given)

    assert recorded == [Recorded.FACT, Recorded.FACT, Recorded.FACT, Recorded.REPEATED]
    assert (count(database, replies), count(database, receipts)) == (1, 2)
    assert (delivery, "answered", None) in facts(database)


def test_a_bounce_that_comes_by_mail_is_read_by_the_relays_reader(database: Database) -> None:
    delivery = sent(database)

    recorded = a_taker(database).take([as_receipt(a_notification(a_bounce(delivery)))])

    assert recorded == [Recorded.FACT]
    with database.read() as connection:
        [event] = connection.execute(select(events)).all()
    assert (event.delivery_id, event.word, event.status) == (delivery, "bounced", "5.1.1")
    assert event.reason == "no_such_mailbox"
    assert "office@recipient.example" not in (event.detail or "")


def test_a_message_in_the_bucket_is_fetched(bucket: MailBucket, small_database: Database) -> None:
    delivery = sent(small_database)
    put(bucket, "in/1", an_answer_to(delivery))

    recorded = a_taker(small_database, bucket).take([as_receipt(in_bucket("in/1"))])

    assert recorded == [Recorded.FACT]
    assert facts(small_database) == [(delivery, "answered", None)]


def test_the_envelope_counts_also_for_what_lies_in_the_bucket(
    bucket: MailBucket, small_database: Database
) -> None:
    delivery = sent(small_database)
    put(bucket, "in/1", a_mail())
    told = json.loads(in_bucket("in/1"))
    told["receipt"]["recipients"] = [reply_address(MAILBOX, delivery)]

    a_taker(small_database, bucket).take([as_receipt(json.dumps(told))])

    assert facts(small_database) == [(delivery, "answered", None)]


def test_no_bucket_is_read_but_ours(bucket: MailBucket, small_database: Database) -> None:
    put(bucket, "in/1", a_mail(), into="of-others")
    elsewhere = as_receipt(in_bucket("in/1", "of-others"))

    recorded = [
        *a_taker(small_database, bucket).take([elsewhere]),
        *a_taker(small_database).take([as_receipt(in_bucket("in/1"))]),
    ]

    assert recorded == [None, None]
    assert count(small_database, replies) == count(small_database, receipts) == 0


@pytest.mark.parametrize("content", [None, b""])
def test_what_is_no_longer_there_holds_nobody_up(
    content: bytes | None, bucket: MailBucket, small_database: Database
) -> None:
    if content is not None:
        put(bucket, "in/1", content)

    assert a_taker(small_database, bucket).take([as_receipt(in_bucket("in/1"))]) == [None]


def test_no_more_is_fetched_than_is_read(bucket: MailBucket) -> None:
    put(bucket, "in/1", b"x" * (MAX_BYTES + 1000))

    assert len(bucket.fetch("in/1") or b"") == MAX_BYTES + 1


def test_a_bucket_that_cannot_be_read_leaves_the_message_in_the_queue(
    bucket: MailBucket, small_database: Database
) -> None:
    bucket._client.delete_bucket(Bucket=BUCKET)

    with pytest.raises(NotNow):
        a_taker(small_database, bucket).take([as_receipt(in_bucket("in/1"))])

    assert count(small_database, replies) == 0


class PartlyLocked(MailBucket):
    """Objects under locked/ are denied to us."""

    def __init__(self, bucket: MailBucket) -> None:
        super().__init__(bucket._client, bucket.bucket)
        self.asked: list[str] = []

    def fetch(self, key: str) -> bytes | None:
        self.asked.append(key)
        if key.startswith("locked/"):
            raise QueueAway("AccessDenied")
        return super().fetch(key)


def as_message(notification: str) -> Message:
    return a_message(an_envelope(notification, MessageId=str(uuid4())))


def test_mail_that_cannot_be_fetched_stays_in_the_queue_and_stops_none_beside_it(
    bucket: MailBucket, small_database: Database
) -> None:
    delivery = sent(small_database)
    put(bucket, "in/1", an_answer_to(delivery))
    locked = as_message(in_bucket("locked/1"))
    queue = AQueue([an_event(), locked, as_message(in_bucket("in/1")), an_event()])
    taker = a_taker(small_database, PartlyLocked(bucket))

    with capture_logs() as logs:
        hear(queue, taker, until=lambda: len(queue.deleted) == 3)

    assert queue.waiting == [locked]
    assert (count(small_database, receipts), count(small_database, replies)) == (2, 1)
    assert {(one["message"], one["why"]) for one in logs if one["event"] == "message_left"} == {
        (locked.id, "NotNow")
    }


def test_mail_that_cannot_be_kept_stays_in_the_queue_and_stops_none_beside_it(
    small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "read", read_all_but_poison)
    poison = as_message(a_notification(POISON))
    queue = AQueue([poison, as_message(a_notification(a_mail())), an_event()])

    listener = hear(queue, a_taker(small_database), until=lambda: len(queue.deleted) == 2)

    assert not listener.fell
    assert queue.waiting == [poison]
    assert (count(small_database, receipts), count(small_database, replies)) == (1, 1)


def test_a_hostile_date_stops_no_listener(small_database: Database) -> None:
    hostile = b"Received: x; Fri, 31 Dec 9999 23:59:59 -2359\n" + a_mail()
    queue = AQueue([as_message(a_notification(hostile))])

    hear(queue, a_taker(small_database), until=lambda: not queue.waiting)

    assert count(small_database, replies) == 1


def test_a_bucket_that_is_away_is_not_asked_for_each_message(
    bucket: MailBucket, small_database: Database
) -> None:
    store = PartlyLocked(bucket)
    given = [as_receipt(in_bucket(f"locked/{n}")) for n in range(MOST_IN_VAIN + 5)]

    with pytest.raises(NotNow) as raised:
        a_taker(small_database, store).take(given)

    assert raised.value.left == given
    assert len(store.asked) == MOST_IN_VAIN


def test_a_few_locked_messages_do_not_make_a_bucket_away(
    bucket: MailBucket, small_database: Database
) -> None:
    keys = [f"{place}/{n}" for n in range(MOST_IN_VAIN + 2) for place in ("locked", "in")]
    for key in keys:
        put(bucket, key, a_mail(key))

    with pytest.raises(NotNow) as raised:
        a_taker(small_database, PartlyLocked(bucket)).take(
            [as_receipt(in_bucket(key)) for key in keys]
        )

    assert len(raised.value.left) == count(small_database, replies) == MOST_IN_VAIN + 2


def test_mail_comes_through_the_door_of_receipts(tmp_path: Path, database: Database) -> None:
    (tmp_path / "sandbox-sns.pem").write_bytes(a_certificate())
    web = create_app(some_settings(tmp_path), database, noon).test_client()
    delivery = sent(database)
    body = an_envelope(a_notification(an_answer_to(delivery)))

    first, second = (web.post("/v1/receipts/ses", data=body) for _ in range(2))

    assert (first.status_code, first.json) == (200, {"recorded": "fact"})
    assert (second.status_code, second.json) == (200, {"recorded": "repeated"})
    assert facts(database) == [(delivery, "answered", None)]
    assert count(database, receipts) == 0


@pytest.mark.parametrize("name", ["", BUCKET])
def test_who_listens_to_the_queue_reads_the_bucket_that_is_named_and_no_other(
    name: str, tmp_path: Path, bucket: MailBucket, small_database: Database
) -> None:
    delivery = sent(small_database)
    put(bucket, "in/1", an_answer_to(delivery))
    settings = QueueSettings(
        common=some_settings(tmp_path).common,
        url="https://sqs.eu-central-1.amazonaws.com/123456789012/writ",
        region=REGION,
        endpoint_url="",
        access_key_id="",
        secret_access_key="",
        sns_topic_arns=(TOPIC,),
        inbound_bucket=name,
    )
    [listener] = make_listeners(settings, small_database, threads=1, clock=noon)

    listener._taker.take([as_receipt(in_bucket("in/1"))])

    assert facts(small_database) == ([(delivery, "answered", None)] if name else [])
