"""Signs as Amazon SNS does, with a certificate of the tests' own."""

import base64
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from tests.tracking.builders import NOON, TOPIC

CERTIFICATE_URL = (
    "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
)
PAYLOADS = Path(__file__).parents[2] / "payloads"
KEY = rsa.generate_private_key(65537, 2048)
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp"),
    *("Token", "TopicArn", "Type"),
)
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}


def payload(path: str) -> str:
    return (PAYLOADS / path).read_text(encoding="utf-8")


def a_certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY,
    *,
    until: dt.datetime = NOON + dt.timedelta(days=1),
) -> bytes:
    """PEM, valid from the day before noon."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - dt.timedelta(days=1))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def an_envelope(message: str = "{}", *, sign_as: str = "2", **changes: str | None) -> bytes:
    """A notification, signed after `changes` were made; None leaves a field out."""
    told = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": message + "\n",
        "Timestamp": "2021-12-10T12:00:00.500Z",
        "SignatureVersion": sign_as,
        "SigningCertURL": CERTIFICATE_URL,
    }
    return json.dumps(signed({**told, **changes}, sign_as)).encode()


def a_confirmation(**changes: str | None) -> bytes:
    told: dict[str, Any] = {
        "Type": "SubscriptionConfirmation",
        "Subject": None,
        "Token": "a-token",
        "SubscribeURL": "https://evil.example/fetch-me",
    }
    return an_envelope("You have chosen to subscribe", **(told | changes))


def signed(said: Mapping[str, str | None], version: str) -> dict[str, Any]:
    """The fields with their signature, by the rules of SNS."""
    present = {name: value for name, value in said.items() if value is not None}
    names = _NOTIFICATION if present["Type"] == "Notification" else _CONFIRMATION
    text = "".join(f"{name}\n{present[name]}\n" for name in names if name in present)
    signature = KEY.sign(text.encode(), padding.PKCS1v15(), _HASHES.get(version, hashes.SHA256()))
    return present | {"Signature": base64.b64encode(signature).decode()}
