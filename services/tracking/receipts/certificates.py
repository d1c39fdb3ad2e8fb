"""Where the key comes from that an SNS signature is checked with.

`AmazonCertificates` fetches from Amazon alone and remembers; `FileCertificate` trusts one file,
the sandbox's, whatever address the envelope names (production refuses to start with it).
"""

import datetime as dt
import re
import threading
from pathlib import Path
from typing import Protocol

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.tracking.receipts.contract import CertificateAway, Untrusted
from shared.clock import Clock

# The whole address at once: an open end once let sns.us-east-1.amazonaws.com.evil.example pass
# elsewhere, and urlsplit drops line breaks before anybody can look at them.
_AMAZONS = re.compile(
    r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?"
    r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem"
)
_LARGEST = 16 * 1024
_REMEMBERED = 32  # Amazon has one certificate a region and changes it about once a year
_TIMEOUT = urllib3.Timeout(connect=2.0, read=4.0)


class Fetch(Protocol):
    """GETs an https address; bytes, or CertificateAway."""

    def __call__(self, url: str, /) -> bytes: ...


class AmazonCertificates:
    """Amazon's certificates, each fetched once.  A failure is not remembered."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, x509.Certificate] = {}
        self._lock = threading.Lock()

    def __call__(self, url: str) -> RSAPublicKey:
        """Raises Untrusted, CertificateAway."""
        if not is_amazons(url):
            raise Untrusted("the certificate is not at Amazon's address")
        with self._lock:
            certificate = self._known.get(url)
        if certificate is None:
            certificate = _load(self._fetch(url))
            self._remember(url, certificate)
        return _key(certificate, self._clock())

    def _remember(self, url: str, certificate: x509.Certificate) -> None:
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[url] = certificate


class FileCertificate:
    """The one certificate in a file; read again when the file has changed."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._seen: tuple[int, x509.Certificate] | None = None

    def __call__(self, _url: str) -> RSAPublicKey:
        """Raises CertificateAway while there is no such file: the sandbox makes it at its start."""
        try:
            changed = self._path.stat().st_mtime_ns
            if self._seen is None or self._seen[0] != changed:
                self._seen = changed, _load(self._path.read_bytes())
        except OSError as error:
            raise CertificateAway("the certificate's file cannot be read") from error
        return _key(self._seen[1], self._clock())


def is_amazons(url: str) -> bool:
    """Whether the address is one at which Amazon itself, and nobody else, keeps a certificate."""
    return _AMAZONS.fullmatch(url) is not None


def fetch_with(pool: urllib3.PoolManager) -> Fetch:
    """GETs without a redirect, without a retry, for at most a few seconds."""

    def fetch(url: str) -> bytes:
        try:
            answer = pool.request(
                "GET", url, timeout=_TIMEOUT, retries=False, redirect=False, preload_content=False
            )
            with answer:
                content = answer.read(_LARGEST)
        except urllib3.exceptions.HTTPError as error:
            raise CertificateAway("the certificate cannot be fetched") from error
        if answer.status != 200:
            raise CertificateAway(f"the certificate's address answered {answer.status}")
        return content

    return fetch


def _load(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificateAway("what was fetched is no certificate") from error


def _key(certificate: x509.Certificate, now: dt.datetime) -> RSAPublicKey:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Untrusted("the certificate is out of its dates")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise Untrusted("the certificate holds no RSA key")
    return key
