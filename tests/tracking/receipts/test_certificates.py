import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec

from services.tracking.receipts.certificates import (
    AmazonCertificates,
    FileCertificate,
    fetch_with,
    is_amazons,
)
from services.tracking.receipts.contract import CertificateAway, Untrusted
from tests.tracking.builders import NOON, noon
from tests.tracking.receipts.signing import CERTIFICATE_URL, KEY, a_certificate

PATH = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL,
        f"https://sns.us-east-1.amazonaws.com{PATH}",
        f"https://sns.cn-north-1.amazonaws.com.cn{PATH}",
    ],
)
def test_amazons_own_addresses_are_trusted(url: str) -> None:
    assert is_amazons(url)


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.us-east-1.amazonaws.com{PATH}",
        f"https://sns.us-east-1.amazonaws.com.evil.example{PATH}",
        f"https://sns.us-east-1.amazonaws.com@evil.example{PATH}",
        f"https://evil.example/sns.us-east-1.amazonaws.com{PATH}",
        f"https://sns.us-east-1.amazonaws.com:8443{PATH}",
        f"https://user@sns.us-east-1.amazonaws.com{PATH}",
        f"https://s3.us-east-1.amazonaws.com{PATH}",
        f"https://bucket.s3.amazonaws.com{PATH}",
        f"https://sns.us-east-1.evil.amazonaws.com{PATH}",
        f"https://sns.us-east-1.amazonaws.com\n{PATH}",
        f"https://sns.us-east-1.amazonaws.com{PATH}\n.evil",
        f"https://sns.us-east-1.amazonaws.com{PATH}?x=1",
        f"https://sns.us-east-1.amazonaws.com{PATH}#x",
        f"https://sns.us-east-1.amazonaws.com/evil{PATH}",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-nothex.pem",
        "https://[",
        "",
    ],
)
def test_no_other_address_is_trusted(url: str) -> None:
    fetched: list[str] = []

    def fetch(at: str) -> bytes:
        fetched.append(at)
        return a_certificate()

    with pytest.raises(Untrusted):
        AmazonCertificates(fetch, noon)(url)

    assert fetched == []


def test_a_certificate_is_fetched_once() -> None:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return a_certificate()

    certificates = AmazonCertificates(fetch, noon)
    keys = [certificates(CERTIFICATE_URL) for _ in range(3)]

    assert fetched == [CERTIFICATE_URL]
    assert keys[0].public_numbers() == KEY.public_key().public_numbers()


def test_a_failure_to_fetch_is_not_remembered() -> None:
    answers = iter([b"not a certificate", a_certificate()])
    certificates = AmazonCertificates(lambda _url: next(answers), noon)

    with pytest.raises(CertificateAway):
        certificates(CERTIFICATE_URL)

    assert certificates(CERTIFICATE_URL).key_size == 2048


def test_an_expired_certificate_is_not_trusted() -> None:
    expired = a_certificate(until=NOON - dt.timedelta(seconds=1))

    with pytest.raises(Untrusted, match="dates"):
        AmazonCertificates(lambda _url: expired, noon)(CERTIFICATE_URL)


def test_a_key_of_another_kind_is_not_trusted() -> None:
    strange = a_certificate(ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(Untrusted, match="RSA"):
        AmazonCertificates(lambda _url: strange, noon)(CERTIFICATE_URL)


def test_the_sandboxs_file_is_read_when_it_appears_and_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "sns.pem"
    certificate = FileCertificate(path, noon)
    with pytest.raises(CertificateAway):
        certificate("http://anywhere.example/")

    path.write_bytes(a_certificate(until=NOON - dt.timedelta(seconds=1)))
    with pytest.raises(Untrusted):
        certificate("http://anywhere.example/")
    path.write_bytes(a_certificate())
    os.utime(path, ns=(1, 1))

    assert certificate("http://anywhere.example/").key_size == 2048


class _Answering(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(type(self).status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"a certificate")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def answering(status: int) -> Iterator[str]:
    handler = type("_Handler", (_Answering,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_what_an_address_answers_is_fetched() -> None:
    with answering(200) as url, urllib3.PoolManager() as pool:
        assert fetch_with(pool)(url) == b"a certificate"


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_redirect_is_not_followed_and_an_error_is_no_certificate(status: int) -> None:
    with (
        answering(status) as url,
        urllib3.PoolManager() as pool,
        pytest.raises(CertificateAway, match=str(status)),
    ):
        fetch_with(pool)(url)


def test_a_host_that_is_away_is_no_certificate() -> None:
    with urllib3.PoolManager() as pool, pytest.raises(CertificateAway):
        fetch_with(pool)("http://127.0.0.1:1/")
