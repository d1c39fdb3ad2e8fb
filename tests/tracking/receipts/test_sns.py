import json

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.tracking.receipts.contract import Unreadable, Untrusted
from services.tracking.receipts.sns import Envelope, EnvelopeType, open_envelope
from tests.tracking.builders import TOPIC
from tests.tracking.receipts.signing import KEY, a_confirmation, an_envelope

TOPICS = frozenset({TOPIC})


def our_key(_url: str) -> RSAPublicKey:
    return KEY.public_key()


def opened(body: bytes) -> Envelope:
    return open_envelope(body, TOPICS, our_key)


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_signature_versions_open(version: str) -> None:
    envelope = opened(an_envelope('{"eventType": "Send"}', sign_as=version))

    assert envelope.type is EnvelopeType.NOTIFICATION
    assert envelope.message == '{"eventType": "Send"}\n'


def test_a_message_without_a_subject_opens() -> None:
    assert opened(an_envelope(Subject=None)).topic == TOPIC


def test_a_confirmation_opens_with_its_token() -> None:
    envelope = opened(a_confirmation())

    assert (envelope.type, envelope.token) == (EnvelopeType.SUBSCRIBED, "a-token")


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp"])
def test_a_tampered_field_is_not_trusted(field: str) -> None:
    said = json.loads(an_envelope())
    said[field] += "!"

    with pytest.raises(Untrusted, match="does not match"):
        opened(json.dumps(said).encode())


@pytest.mark.parametrize("signature", ["", "not base64!", "AAAA", "é"])
def test_a_broken_signature_is_not_trusted(signature: str) -> None:
    said = json.loads(an_envelope()) | {"Signature": signature}

    with pytest.raises(Untrusted, match="does not match"):
        opened(json.dumps(said).encode())


def test_a_sha1_signature_does_not_pass_as_sha256() -> None:
    said = json.loads(an_envelope(sign_as="1")) | {"SignatureVersion": "2"}

    with pytest.raises(Untrusted, match="does not match"):
        opened(json.dumps(said).encode())


@pytest.mark.parametrize("version", ["", "3"])
def test_an_unknown_signature_version_is_not_trusted(version: str) -> None:
    said = json.loads(an_envelope()) | {"SignatureVersion": version}

    with pytest.raises(Untrusted, match="unknown version"):
        opened(json.dumps(said).encode())


def test_amazons_signature_for_anothers_topic_is_not_trusted() -> None:
    body = an_envelope(TopicArn="arn:aws:sns:eu-central-1:999999999999:theirs")

    with pytest.raises(Untrusted, match="topic"):
        opened(body)


def test_the_certificate_of_a_strange_topic_is_never_fetched() -> None:
    asked: list[str] = []

    def key_at(url: str) -> RSAPublicKey:
        asked.append(url)
        return our_key(url)

    with pytest.raises(Untrusted):
        open_envelope(an_envelope(TopicArn="arn:aws:sns:eu:1:theirs"), TOPICS, key_at)

    assert asked == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b'"text"', b"{", b"[" * 200_000),
        an_envelope().decode().encode("utf-16"),  # JSON's other clothes
        json.dumps({"TopicArn": TOPIC}).encode(),
        an_envelope().replace(b"{}", b"\\ud800"),
        an_envelope(MessageId="\x00"),
    ],
)
def test_what_is_no_envelope_is_unreadable_or_untrusted(body: bytes) -> None:
    with pytest.raises((Unreadable, Untrusted)):
        opened(body)


def test_an_unknown_type_is_unreadable() -> None:
    said = json.loads(an_envelope()) | {"Type": "Greeting"}

    with pytest.raises(Unreadable):
        opened(json.dumps(said).encode())
