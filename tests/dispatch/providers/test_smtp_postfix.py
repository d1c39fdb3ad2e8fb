"""With Debian's own Postfix between us and the office, where it is installed: its replies, its
reports.  It runs as root only, in a directory of its own, and reaches nothing but this machine.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.dispatch.providers.contract import Taken
from services.tracking.receipts.contract import Receipt
from services.tracking.receipts.smtp import read
from services.tracking.words import EventWord
from tests.dispatch.providers.line import free_port
from tests.dispatch.providers.relay import Got, an_email, an_smtp, misbehaving, outcome

POSTFIX = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not POSTFIX, reason="Postfix is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix is started by root only"),
]

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = relay.letters.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{next_port}
smtp_tls_security_level = none
smtp_dns_support_level = disabled
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def postfix(next_port: int) -> Iterator[int]:
    """Its port; what it takes goes to `next_port`."""
    assert POSTFIX
    home, port = Path(tempfile.mkdtemp(prefix="writ-postfix-")), free_port()
    home.chmod(0o755)  # its parts run as others than root
    for name in ("etc", "queue", "data"):
        (home / name).mkdir()
    shutil.chown(home / "data", "postfix")
    (home / "etc/main.cf").write_text(MAIN.format(home=home, next_port=next_port))
    (home / "etc/master.cf").write_text(MASTER.format(port=port))
    command = [POSTFIX, "-c", str(home / "etc")]
    subprocess.run([*command, "start"], check=True, capture_output=True, timeout=30)
    try:
        yield port
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=30)
        shutil.rmtree(home, ignore_errors=True)


def report(got: Got, about: str) -> Receipt:
    """What comes back to the bounce address."""
    found = wait_for(
        lambda: [one for one in got.accepted if about.encode() in one and is_report(one)]
    )
    receipt = read(found[0])
    assert receipt is not None
    return receipt


def is_report(message: bytes) -> bool:
    return b"report-type=delivery-status" in message


def wait_for(look: Callable[[], list[bytes]], within_s: float = 30) -> list[bytes]:
    until = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < until, "no report came"
        time.sleep(0.1)
    return found


@pytest.mark.parametrize(
    ("answer", "word", "status"),
    [
        (b"250 2.1.5 ok\r\n", EventWord.DELIVERED, "2.0.0"),
        (b"550 5.1.1 no such mailbox\r\n", EventWord.BOUNCED, "5.1.1"),
    ],
)
def test_what_postfix_reports_is_found_and_understood(
    answer: bytes, word: EventWord, status: str
) -> None:
    email = an_email()
    # The office's server speaks of no DSN: so Postfix itself reports.
    script = {"EHLO": [b"250 office.example\r\n"] * 9, "RCPT": [answer]}

    with (
        misbehaving(script) as got,
        postfix(got.port) as port,
        an_smtp(port, read_timeout_s=10) as smtp,
    ):
        ended = outcome(smtp, email)
        receipt = report(got, email.delivery_id.hex)

    assert isinstance(ended, Taken)
    assert receipt.delivery_id == email.delivery_id
    assert receipt.fact is not None
    assert (receipt.fact.word, receipt.fact.status) == (word, status)
    assert receipt.fact.provider_id == ended.provider_id
