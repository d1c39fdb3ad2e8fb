"""The sandbox's own signing identity, in place of the certificate Amazon SNS signs with.

Owns two files in the data directory: `sandbox-sns.pem` (a self-signed certificate, for those who
verify) and `sandbox-sns-key.pem` (its RSA-2048 key, as long as Amazon's).
"""

import base64
import datetime as dt
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

CERTIFICATE_FILE = "sandbox-sns.pem"
KEY_FILE = "sandbox-sns-key.pem"
LIFE = dt.timedelta(days=3650)

# The words of SNS for its two signatures (SignatureVersion, a topic's attribute).
HASHES: dict[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),  # noqa: S303  SNS still offers it, so receivers must be tried with it
    "2": hashes.SHA256(),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and the certificate (PEM) that lets others check what it signed."""

    key: rsa.RSAPrivateKey
    certificate: bytes

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """The identity kept in `data_dir`, made on first use."""
        if not (data_dir / CERTIFICATE_FILE).exists():
            _make(data_dir)
        key = serialization.load_pem_private_key((data_dir / KEY_FILE).read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{KEY_FILE} holds no RSA key")
        return cls(key, (data_dir / CERTIFICATE_FILE).read_bytes())

    @property
    def name(self) -> str:
        """32 hex digits that name the certificate, as in the addresses of Amazon's own."""
        return hashlib.sha256(self.certificate).hexdigest()[:32]

    def sign(self, text: str, version: str) -> str:
        """The base64 signature of `text` (RSA, PKCS#1 v1.5), with the hash of SNS's `version`."""
        return base64.b64encode(
            self.key.sign(text.encode(), padding.PKCS1v15(), HASHES[version])
        ).decode()


def _make(data_dir: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFE)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # The certificate comes last: where it lies, its key lies too, whatever killed us between.
    _write(data_dir / KEY_FILE, pem, mode=0o600)
    _write(
        data_dir / CERTIFICATE_FILE,
        certificate.public_bytes(serialization.Encoding.PEM),
        mode=0o644,
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
