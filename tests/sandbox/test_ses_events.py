"""The events of SES: which ones, their shape, and the signature that Amazon SNS puts on them."""

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.world import Got, Listener, World, a_world

HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}


def check_signature(got: Got, certificate: bytes) -> None:
    """Raises InvalidSignature unless SNS's rules, spelled out here again, hold."""
    envelope = got.envelope
    keys = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    text = "".join(f"{key}\n{envelope[key]}\n" for key in keys)
    public = x509.load_pem_x509_certificate(certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(
        base64.b64decode(envelope["Signature"]),
        text.encode(),
        padding.PKCS1v15(),
        HASHES[envelope["SignatureVersion"]],
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("success", ["Send", "Delivery"]),
        ("office", ["Send", "Delivery"]),
        ("bounce", ["Send", "Bounce Permanent/General"]),
        ("bounce+label", ["Send", "Bounce Permanent/General"]),
        ("softbounce", ["Send", "Bounce Transient/MailboxFull"]),
        ("suppressionlist", ["Send", "Bounce Permanent/OnAccountSuppressionList"]),
        ("ooto", ["Send", "Delivery", "Bounce Transient/General"]),
        ("complaint", ["Send", "Delivery", "Complaint"]),
        ("reject", ["Send", "Reject"]),
    ],
)
def test_the_first_word_of_an_address_decides_what_becomes_of_the_email(
    world: World, listener: Listener, word: str, expected: list[str]
) -> None:
    world.send(to=f"{word}@ministry.example")

    events = [got.event for got in listener.wait_for(len(expected))]

    events.sort(key=lambda event: expected.index(_named(event)))
    assert [_named(event) for event in events] == expected


def test_an_event_names_the_email_the_recipient_and_the_delivery(
    world: World, listener: Listener
) -> None:
    message_id = world.send()

    events = {got.event["eventType"]: got.event for got in listener.wait_for(2)}

    mail = events["Send"]["mail"]
    assert events["Send"]["send"] == {}
    assert mail["messageId"] == message_id
    assert mail["destination"] == ["office@ministry.example"]
    assert mail["tags"]["delivery_id"] == ["delivery-1"]
    assert mail["tags"]["ses:configuration-set"] == ["writ"]
    assert {"name": "X-Case", "value": "case-1"} in mail["headers"]
    assert mail["commonHeaders"]["subject"] == "Free the teacher — now"
    assert events["Delivery"]["delivery"]["recipients"] == ["office@ministry.example"]


def test_every_recipient_has_events_of_their_own(world: World, listener: Listener) -> None:
    world.send(Destination={"ToAddresses": ["a@x.example"], "BccAddresses": ["bounce@x.example"]})

    events = [_named(got.event) for got in listener.wait_for(3)]

    assert sorted(events) == ["Bounce Permanent/General", "Delivery", "Send"]


def test_the_envelope_and_its_headers_are_those_of_sns(world: World, listener: Listener) -> None:
    world.send()

    got = listener.wait_for(2)[0]

    assert got.path == "/v1/receipts/ses"
    assert got.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert got.headers["x-amz-sns-message-type"] == got.envelope["Type"] == "Notification"
    assert got.headers["x-amz-sns-message-id"] == got.envelope["MessageId"]
    assert got.headers["x-amz-sns-topic-arn"] == got.envelope["TopicArn"]
    assert got.envelope["Subject"] == "Amazon SES Email Event Notification"
    assert got.envelope["Message"].endswith("\n")


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_signature_holds_under_the_certificate_on_disk_and_on_the_web(
    tmp_path: Path, listener: Listener, version: str
) -> None:
    with a_world(tmp_path, listener.url) as world:
        world.faults(receipts={"signature_version": version})
        world.send()
        got = listener.wait_for(2)
        served = world.http.request("GET", f"{world.url}/sns/certificate.pem").data

    certificate = (tmp_path / "sandbox-sns.pem").read_bytes()
    assert served == certificate
    for one in got:
        assert one.envelope["SignatureVersion"] == version
        check_signature(one, certificate)


def test_a_restart_keeps_the_certificate(tmp_path: Path) -> None:
    with a_world(tmp_path, "http://127.0.0.1:9") as world:
        first = world.sandbox.signer.certificate

    with a_world(tmp_path, "http://127.0.0.1:9") as world:
        assert world.sandbox.signer.certificate == first


def _named(event: dict[str, Any]) -> str:
    if bounce := event.get("bounce"):
        return f"Bounce {bounce['bounceType']}/{bounce['bounceSubType']}"
    return str(event["eventType"])
