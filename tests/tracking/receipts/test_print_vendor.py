import hashlib
import hmac
import json
from uuid import UUID

import pytest

from services.tracking.receipts.contract import Receipt, Unreadable, Untrusted
from services.tracking.receipts.print_vendor import SIGNATURE_HEADER, check_signature, door, read
from services.tracking.words import EventWord
from tests.tracking.builders import NOON
from tests.tracking.receipts.signing import payload
from tests.tracking.receipts.test_ses import some_trust

DELIVERY = UUID("0190d3a0-1111-7222-8333-444455556666")
SECRET = "a secret of the vendor"
NOW = int(NOON.timestamp())


def signature(body: bytes, *, at: int = NOW, secret: str = SECRET) -> str:
    text = str(at).encode() + b"." + body
    return f"t={at},v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def entered(body: bytes, header: str | None) -> Receipt | None:
    headers = {} if header is None else {SIGNATURE_HEADER: header}
    return door(some_trust(print_secret=SECRET))(headers, body)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("accepted", EventWord.SENT_PROOF),
        ("printed", EventWord.PRINTED),
        ("posted", EventWord.POSTED),
        ("delivered", EventWord.DELIVERED),
        ("returned", EventWord.RETURNED),
        ("rejected", EventWord.REJECTED),
    ],
)
def test_the_vendors_words_become_ours(name: str, word: EventWord) -> None:
    body = payload(f"print_vendor/{name}.json").encode()

    receipt = entered(body, signature(body))

    assert receipt is not None
    assert (receipt.source_id, receipt.delivery_id) == (f"evt_{name}", DELIVERY)
    assert receipt.fact is not None
    assert (receipt.fact.word, receipt.fact.provider_id) == (word, "ord_7f3a")
    assert receipt.fact.occurred_at == NOON


def test_a_reason_is_kept_without_addresses() -> None:
    fact = read(payload("print_vendor/returned.json").encode()).fact

    assert fact is not None
    assert fact.detail == "Addressee moved; write to [address]"


def test_an_unknown_event_is_kept_without_a_fact() -> None:
    receipt = read(b'{"id": "evt_1", "type": "order.folded", "reference": "x"}')

    assert (receipt.fact, receipt.delivery_id) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b"{}", b'{"id": 7}', b'{"id": ""}', b'{"id": "\\u0000"}'),
        b"[" * 200_000,
    ],
)
def test_a_body_without_an_id_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


@pytest.mark.parametrize("age_s", [-299, 0, 299])
def test_a_signature_counts_for_five_minutes(age_s: int) -> None:
    body = payload("print_vendor/posted.json").encode()

    assert entered(body, signature(body, at=NOW - age_s)) is not None


@pytest.mark.parametrize("age_s", [-301, 301])
def test_an_old_signature_and_one_of_the_future_are_not_trusted(age_s: int) -> None:
    with pytest.raises(Untrusted, match="too old"):
        entered(b"{}", signature(b"{}", at=NOW - age_s))


def test_while_a_vendor_changes_its_secret_either_counts() -> None:
    body = payload("print_vendor/posted.json").encode()
    of_another = signature(body, secret="the next").partition(",")[2]

    assert entered(body, f"{signature(body)},{of_another}") is not None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=",
        f"t={NOW}",
        f"t={NOW},v1=",
        f"t={NOW},v1=é",
        f"t={NOW},v1={'0' * 64}",
        f"t={NOW}٣,v1=00",
        signature(b"{} "),
        signature(b"{}", secret="another"),
        signature(b"{}").replace("v1=", "v0="),
    ],
)
def test_any_other_signature_is_not_trusted(header: str | None) -> None:
    with pytest.raises(Untrusted):
        entered(b"{}", header)


def test_without_a_secret_nobody_is_trusted() -> None:
    with pytest.raises(Untrusted, match="no secret"):
        check_signature(signature(b"{}", secret=""), b"{}", "", NOON)


def test_the_body_is_kept_as_it_came() -> None:
    body = json.dumps({"id": "evt_9", "type": "order.posted"}, indent=7).encode()

    assert read(body).body == body.decode()
