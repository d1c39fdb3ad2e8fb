import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import urllib3

from services.tracking.receipts.contract import Receipt, Unreadable, Untrusted
from services.tracking.receipts.lob import (
    SIGNATURE_HEADER,
    SILENT,
    TIMESTAMP_HEADER,
    WORDS,
    check_signature,
    door,
    read,
)
from services.tracking.words import EventWord
from shared.clock import now
from tests import lob_document
from tests.sandbox.lob_world import LobWorld, a_lob, pages
from tests.sandbox.world import API_KEY, Listener, a_listener
from tests.sandbox.world import SECRET as SANDBOX_SECRET
from tests.tracking.builders import NOON
from tests.tracking.receipts.signing import PAYLOADS, payload
from tests.tracking.receipts.test_ses import some_trust

DELIVERY = UUID("0190d3a0-1111-7222-8333-444455556666")
SECRET = "a secret of Lob's"
NOW_MS = int(NOON.timestamp() * 1000)
NAMES = sorted(path.stem for path in (PAYLOADS / "lob").glob("*.json"))
# Of letters that somebody signs for, and of envelopes for the answer: we order neither.
NOT_ORDERED = ("certified.", "return_envelope.")


@pytest.fixture
def listener() -> Iterator[Listener]:
    with a_listener() as listener:
        yield listener


def signed(body: bytes, *, at_ms: int = NOW_MS, secret: str = SECRET) -> dict[str, str]:
    text = str(at_ms).encode() + b"." + body
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {SIGNATURE_HEADER: digest, TIMESTAMP_HEADER: str(at_ms)}


def entered(body: bytes, headers: dict[str, str]) -> Receipt | None:
    return door(some_trust(print_secrets={"lob": SECRET}))(headers, body)


def told(name: str, **changes: Any) -> Receipt:
    return read(json.dumps(json.loads(payload(f"lob/{name}.json")) | changes).encode())


@pytest.mark.parametrize(
    ("name", "word", "piece"),
    [
        ("letter_created", EventWord.SENT_PROOF, "ltr_4868c3b754655f90"),
        ("letter_mailed", EventWord.POSTED, "ltr_4868c3b754655f90"),
        ("letter_international_exit", EventWord.LEFT_COUNTRY, "ltr_4868c3b754655f90"),
        ("letter_returned_to_sender", EventWord.RETURNED, "ltr_4868c3b754655f90"),
        ("letter_failed", EventWord.REJECTED, "ltr_4868c3b754655f90"),
        ("postcard_delivered", EventWord.DELIVERED, "psc_4868c3b754655f90"),
    ],
)
def test_lobs_words_become_ours(name: str, word: EventWord, piece: str) -> None:
    body = payload(f"lob/{name}.json").encode()

    receipt = entered(body, signed(body))

    assert receipt is not None
    assert (receipt.source, receipt.source_id) == ("lob", f"evt_{name}")
    assert receipt.delivery_id == DELIVERY
    assert receipt.body == body.decode()
    assert receipt.fact is not None
    assert (receipt.fact.word, receipt.fact.provider_id) == (word, piece)


@pytest.mark.parametrize("name", NAMES)
def test_the_document_knows_the_events(name: str) -> None:
    event = json.loads(payload(f"lob/{name}.json"))

    assert lob_document.faults("events", event) == []
    if name == "letter_deleted":
        assert lob_document.faults("letter_deletion", event["body"]) == []
    else:
        assert lob_document.piece_faults(name.partition("_")[0], event["body"]) == []


@pytest.mark.parametrize("kind", ["letter", "postcard"])
def test_every_event_of_the_document_has_its_meaning(kind: str) -> None:
    types = lob_document.schema(f"{kind}_types")["enum"]
    ours = {one.partition(".")[2] for one in types}

    assert {one for one in ours if not one.startswith(NOT_ORDERED)} == WORDS.keys() | SILENT


@pytest.mark.parametrize("name", ["letter_mailed", "postcard_delivered"])
def test_a_scan_happened_when_the_post_made_it(name: str) -> None:
    fact = told(name).fact

    assert fact is not None
    assert fact.occurred_at == NOON


def test_without_its_scan_an_event_happened_when_lob_says() -> None:
    fact = told("letter_created").fact

    assert fact is not None
    assert fact.occurred_at.isoformat() == "2021-12-10T15:30:00+00:00"


def test_the_reason_of_a_failure_is_kept_without_addresses() -> None:
    fact = told("letter_failed").fact

    assert fact is not None
    assert fact.detail == "A font is not embedded; write to [address]"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("letter.in_transit", None),
        ("letter.in_local_area", "near_destination"),
        ("postcard.processed_for_delivery", "out_for_delivery"),
        ("letter.re-routed", "rerouted"),
    ],
)
def test_on_its_way_it_is_said_how_far(what: str, reason: str | None) -> None:
    fact = told("letter_mailed", event_type={"id": what}).fact

    assert fact is not None
    assert (fact.word, fact.reason) == (EventWord.IN_TRANSIT, reason)


def test_a_cancelled_piece_names_no_delivery() -> None:
    receipt = told("letter_deleted")

    assert (receipt.delivery_id, receipt.fact) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"event_type": {"id": "letter.folded"}},
        {"event_type": {"id": "letter.certified.delivered"}},
        {"event_type": {"id": "letter.return_envelope.delivered"}},
        {"event_type": {"id": "check.mailed"}},
        {"event_type": "letter.mailed"},
        {"event_type": None},
        {"body": None, "date_created": "yesterday"},
    ],
)
def test_what_is_not_understood_is_kept_without_a_fact(changes: dict[str, Any]) -> None:
    assert told("letter_mailed", **changes).fact is None


@pytest.mark.parametrize(
    "scans", ["none", {"time": "now"}, [7], [{"name": "Mailed"}], [{"name": 7, "time": 7}]]
)
def test_strange_scans_are_no_scans(scans: object) -> None:
    receipt = told("letter_mailed", body={"tracking_events": scans, "metadata": ["delivery_id"]})

    assert receipt.fact is not None
    assert receipt.fact.occurred_at.hour == 15
    assert receipt.delivery_id is None


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


@pytest.mark.parametrize("age_ms", [-300_000, 0, 300_000])
def test_a_signature_counts_for_five_minutes(age_ms: int) -> None:
    body = payload("lob/letter_mailed.json").encode()

    assert entered(body, signed(body, at_ms=NOW_MS - age_ms)) is not None


@pytest.mark.parametrize("age_ms", [-300_001, 300_001])
def test_an_old_signature_and_one_of_the_future_are_not_trusted(age_ms: int) -> None:
    with pytest.raises(Untrusted, match="too old"):
        entered(b"{}", signed(b"{}", at_ms=NOW_MS - age_ms))


GOOD = signed(b"{}")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE_HEADER: GOOD[SIGNATURE_HEADER]},
        {TIMESTAMP_HEADER: GOOD[TIMESTAMP_HEADER]},
        GOOD | {SIGNATURE_HEADER: "é"},
        GOOD | {SIGNATURE_HEADER: "0" * 64},
        GOOD | {TIMESTAMP_HEADER: f"{NOW_MS}٣"},
        GOOD | {TIMESTAMP_HEADER: str(NOW_MS // 1000)},  # seconds
        GOOD | {TIMESTAMP_HEADER: f"{NOW_MS + 1}"},
        signed(b"{} "),
        signed(b"{}", secret="another"),
    ],
)
def test_any_other_signature_is_not_trusted(headers: dict[str, str]) -> None:
    with pytest.raises(Untrusted):
        entered(b"{}", headers)


def test_the_sandboxs_events_are_believed(tmp_path: Path, listener: Listener) -> None:
    with a_lob(tmp_path, listener.url) as world:
        made = {"name": "The Minister", "address_line1": "1 Main Street", "address_country": "NO"}
        asked = {"color": "false", "use_type": "operational", "from": "adr_sandbox"}
        to = send(world, "addresses", made)["id"]
        reference = {"metadata[delivery_id]": str(DELIVERY)}
        send(world, "letters", {**asked, **reference, "to": to, "file": ("a.pdf", pages(1))})
        posts = listener.wait_for(5)

    trust = some_trust(print_secrets={"lob": SANDBOX_SECRET}, clock=now)
    receipts = [door(trust)(post.headers, post.body) for post in posts]
    assert {one.delivery_id for one in receipts if one} == {DELIVERY}
    assert sorted(one.fact.word for one in receipts if one and one.fact) == [
        *(EventWord.IN_TRANSIT, EventWord.LEFT_COUNTRY),
        *(EventWord.POSTED, EventWord.SENT_PROOF),
    ]


def send(world: LobWorld, path: str, fields: Any) -> dict[str, Any]:
    key = urllib3.make_headers(basic_auth=f"{API_KEY}:")
    answer: dict[str, Any] = urllib3.request(
        "POST", f"{world.url}/{path}", fields=fields, headers=key, retries=False
    ).json()
    return answer


def test_without_a_secret_nobody_is_trusted() -> None:
    with pytest.raises(Untrusted, match="no secret"):
        check_signature(signed(b"{}", secret=""), b"{}", "", NOON)
    with pytest.raises(Untrusted, match="no secret"):
        door(some_trust(print_secret=SECRET))(GOOD, b"{}")
