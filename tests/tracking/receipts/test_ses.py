import json
import time
from typing import Any
from uuid import UUID

import pytest

from services.tracking.receipts.contract import (
    Receipt,
    Trust,
    Untrusted,
    moment,
    without_addresses,
)
from services.tracking.receipts.ses import door, reader
from services.tracking.words import EventWord
from tests.tracking.builders import TOPIC, noon
from tests.tracking.receipts.signing import (
    KEY,
    PAYLOADS,
    a_confirmation,
    an_envelope,
    payload,
)

DELIVERY = UUID("0190d3a0-1111-7222-8333-444455556666")


def some_trust(**changes: Any) -> Trust:
    told: dict[str, Any] = {
        "topics": frozenset({TOPIC}),
        "key_at": lambda _url: KEY.public_key(),
        "confirm": None,
        "print_secret": "",
        "clock": noon,
    }
    return Trust(**(told | changes))


def read(body: bytes) -> Receipt | None:
    return door(some_trust())({}, body)


def told(name: str) -> Receipt:
    receipt = read(an_envelope(payload(f"ses/{name}.json")))
    assert receipt is not None
    return receipt


@pytest.mark.parametrize(
    ("name", "word", "reason"),
    [
        ("send", EventWord.SENT_PROOF, None),
        ("delivery", EventWord.DELIVERED, None),
        ("bounce_permanent", EventWord.BOUNCED, "hard"),
        ("bounce_no_such_mailbox", EventWord.BOUNCED, "no_such_mailbox"),
        ("bounce_suppressed", EventWord.SUPPRESSED, "own_stop_list"),
        ("bounce_suppressed_globally", EventWord.SUPPRESSED, "global_stop_list"),
        ("bounce_mailbox_full", EventWord.BOUNCED, "mailbox_full"),
        ("bounce_auto_reply", EventWord.AUTO_REPLIED, "out_of_office"),
        ("bounce_gave_up", EventWord.EXPIRED, "gave_up"),
        ("bounce_mislabelled", EventWord.BOUNCED, "hard"),
        ("bounce_undetermined", EventWord.BOUNCED, "undetermined"),
        ("bounce_of_a_new_kind", EventWord.BOUNCED, "hard"),
        ("complaint", EventWord.COMPLAINED, "not_spam"),
        ("reject", EventWord.REJECTED, "bad_content"),
        ("rendering_failure", EventWord.REJECTED, "rendering_failure"),
        ("delivery_delay", EventWord.DEFERRED, "connection"),
        ("open", EventWord.OPENED, None),
        ("click", EventWord.CLICKED, None),
    ],
)
def test_sess_words_become_ours(name: str, word: EventWord, reason: str | None) -> None:
    receipt = told(name)

    assert receipt.delivery_id == DELIVERY
    assert receipt.fact is not None
    assert (receipt.fact.word, receipt.fact.reason) == (word, reason)
    assert receipt.fact.provider_id == json.loads(payload("ses/send.json"))["mail"]["messageId"]


@pytest.mark.parametrize("name", ["subscription", "of_the_future"])
def test_what_tells_nothing_of_ours_is_kept_without_a_fact(name: str) -> None:
    receipt = told(name)

    assert receipt.delivery_id == DELIVERY
    assert receipt.fact is None


def test_an_identity_notification_has_no_tag_and_an_odd_time() -> None:
    receipt = told("identity_notification")

    assert receipt.delivery_id is None
    assert receipt.fact is not None
    assert receipt.fact.occurred_at.isoformat() == "2018-10-08T14:05:46+00:00"


def test_every_payload_says_when_it_happened_and_names_no_address() -> None:
    for path in sorted((PAYLOADS / "ses").glob("*.json")):
        fact = told(path.stem).fact

        assert fact is None or fact.occurred_at.tzinfo is not None
        assert fact is None or "@" not in (fact.detail or ""), path.stem


def test_what_the_server_said_is_kept_without_its_address() -> None:
    fact = told("bounce_permanent").fact

    assert fact is not None
    assert fact.detail == ("smtp; 550 5.1.1 <[address]>: Recipient address rejected: User unknown")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("to <a.b+c@x.example>", "to <[address]>"),
        ('"odd. name"@x.example bounced', "[address] bounced"),
        ("rcpt=a@x.example;", "[address];"),
        ("to a@[192.0.2.1] or [b@x.example]", "to [address] or [[address]]"),
        ("a\x00@x.example\ud800 has\n\tgone\x7f", "[address] has gone"),
        ("a\r\n  b", "a b"),
        ("", None),
        (None, None),
    ],
)
def test_addresses_are_taken_out_of_a_providers_words(said: str | None, kept: str | None) -> None:
    assert without_addresses(said) == kept


@pytest.mark.parametrize("said", ["x" * 500_000, "a@" * 200_000, '"' * 200_000, '" a' * 200_000])
def test_however_long_the_words_are_they_are_read_at_once(said: str) -> None:
    began = time.process_time()

    without_addresses(said)

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "noon", "", None]
)
def test_a_moment_out_of_the_calendar_is_no_moment(said: str | None) -> None:
    assert moment(said) is None


def test_the_envelope_is_kept_whole() -> None:
    body = an_envelope(payload("ses/send.json"))

    receipt = read(body)

    assert receipt is not None
    assert receipt.body == body.decode()
    assert receipt.source_id == "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"


def test_the_greeting_of_a_new_topic_is_ignored() -> None:
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."

    assert read(an_envelope(greeting)) is None


@pytest.mark.parametrize(
    "message",
    [
        *("no JSON", "[]", "{}", "[" * 100_000),
        *('{"eventType": "Send"}', '{"eventType": "Bounce", "mail": 1}'),
    ],
)
def test_what_cannot_be_understood_is_kept_without_a_fact(message: str) -> None:
    receipt = read(an_envelope(message))

    assert receipt is not None
    assert receipt.fact is None


@pytest.mark.parametrize("tag", ["7", "not-a-uuid", "", 5, None])
def test_a_tag_that_is_no_id_of_ours_names_no_delivery(tag: object) -> None:
    said = json.loads(payload("ses/send.json"))
    said["mail"]["tags"]["delivery_id"] = [tag]

    receipt = read(an_envelope(json.dumps(said)))

    assert receipt is not None
    assert receipt.delivery_id is None


def from_the_queue(body: bytes) -> Receipt | None:
    return reader(frozenset({TOPIC}), None)(body)


def test_the_same_event_is_the_same_receipt_by_either_way() -> None:
    body = an_envelope(payload("ses/bounce_permanent.json"))

    assert from_the_queue(body) == read(body)


def test_in_the_queue_the_signature_is_not_asked_for_and_the_topic_is() -> None:
    unsigned = json.loads(an_envelope(payload("ses/send.json"))) | {"Signature": "none"}
    foreign = unsigned | {"TopicArn": "arn:aws:sns:eu-central-1:999999999999:theirs"}

    assert from_the_queue(json.dumps(unsigned).encode()) is not None
    with pytest.raises(Untrusted, match="topic"):
        from_the_queue(json.dumps(foreign).encode())


def raw(name: str = "send", **changes: Any) -> Receipt:
    said = json.loads(payload(f"ses/{name}.json"))
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = said
        for parent in parents:
            place = place[parent]
        place[last] = value
    receipt = from_the_queue(json.dumps(said).encode())
    assert receipt is not None
    return receipt


def test_an_event_without_its_envelope_is_read() -> None:
    receipt = raw()

    assert receipt.delivery_id == DELIVERY
    assert receipt.fact == told("send").fact
    assert len(receipt.source_id) < 160


def test_a_repeat_of_a_raw_event_has_the_same_id_and_unknown_fields_change_nothing() -> None:
    assert raw().source_id == raw().source_id == raw(newly="invented").source_id


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("send", {"mail__messageId": "another"}),
        ("send", {"mail__destination": ["another@office.example"]}),
        ("delivery", {"delivery__timestamp": "2021-12-10T12:00:06.000Z"}),
        ("bounce_permanent", {"bounce__feedbackId": "another"}),
        ("bounce_permanent", {"bounce__bouncedRecipients": [{"emailAddress": "b@office.example"}]}),
        ("click", {"click__link": "https://campaign.example/another"}),
        ("of_the_future", {"eventType": "Bounced Again"}),
        ("of_the_future", {"mail__newly": "invented"}),
    ],
)
def test_another_raw_event_has_another_id(name: str, changes: dict[str, Any]) -> None:
    assert raw(name, **changes).source_id != raw(name).source_id


def test_raw_events_of_one_email_have_ids_of_their_own() -> None:
    kinds = ("send", "delivery", "delivery_delay", "bounce_permanent", "complaint", "open", "click")

    assert len({raw(kind).source_id for kind in kinds}) == len(kinds)


def test_a_subscription_that_came_by_the_queue_is_confirmed_alike() -> None:
    confirmed: list[tuple[str, str]] = []
    read_message = reader(frozenset({TOPIC}), lambda topic, token: confirmed.append((topic, token)))

    assert read_message(a_confirmation()) is None
    assert confirmed == [(TOPIC, "a-token")]


def test_a_subscription_is_confirmed_by_the_api_and_not_by_its_address() -> None:
    confirmed: list[tuple[str, str]] = []
    enter = door(some_trust(confirm=lambda topic, token: confirmed.append((topic, token))))

    receipt = enter({}, a_confirmation())

    assert receipt is None
    assert confirmed == [(TOPIC, "a-token")]


def test_a_subscription_to_anothers_topic_is_never_confirmed() -> None:
    confirmed: list[tuple[str, str]] = []
    enter = door(some_trust(confirm=lambda topic, token: confirmed.append((topic, token))))

    with pytest.raises(Untrusted):
        enter({}, a_confirmation(TopicArn="arn:aws:sns:eu-central-1:999999999999:theirs"))

    assert confirmed == []


def test_a_topic_that_was_lost_is_not_confirmed_again() -> None:
    confirmed: list[tuple[str, str]] = []
    enter = door(some_trust(confirm=lambda topic, token: confirmed.append((topic, token))))
    lost = an_envelope(
        Type="UnsubscribeConfirmation", Subject=None, Token="t", SubscribeURL="https://x.example/"
    )

    assert enter({}, lost) is None
    assert confirmed == []
