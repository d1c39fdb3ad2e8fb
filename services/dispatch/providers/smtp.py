"""Any mail relay that speaks SMTP: an organisation's own, or a provider's submission service.

One call, one email, one recipient.  What is certain is told apart from what is not: until the last
dot of an email is written the relay has nothing; once it answered, it said what it did; in between,
nobody can tell.  The way is `mail/line.py`, the table of replies `mail/replies.py`.
"""

import socket
import ssl
import time

from services.dispatch.providers.contract import Email, Refused, Taken
from services.dispatch.providers.mail.kept import KeptLines
from services.dispatch.providers.mail.line import Line, MailRelay, Security, Stale, open_line
from services.dispatch.providers.mail.message import Written, write
from shared.clock import Clock, now

MOST_EMAILS = 100  # on one connection
IDLE_S = 20.0  # Postfix closes after 300 s at rest, after 10 s under stress


class Smtp:
    name = "smtp"

    def __init__(
        self,
        relay: MailRelay,
        *,
        bounce_address: str,
        connect_timeout_s: float,
        read_timeout_s: float,
        clock: Clock = now,
    ) -> None:
        """A call takes at most `connect_timeout_s + 2 * read_timeout_s`.

        `bounce_address`: what comes back goes there, with a token of the delivery.  Empty: to the
        From address.
        """
        self._relay = relay
        self._bounce_address = bounce_address
        self._connect_s = connect_timeout_s
        self._read_s = read_timeout_s
        self._clock = clock
        self._kept = KeptLines(most_emails=MOST_EMAILS, idle_s=IDLE_S)

    def send(self, email: Email) -> Taken:
        """The provider's id is the Message-ID: relays log it, and reports bring it back."""
        written = write(email, bounce_address=self._bounce_address, now=self._clock())
        until = time.monotonic() + self._connect_s + self._read_s
        kept = self._kept.take()
        try:
            self._hand_over(written, kept or self._open(until), until)
        except Stale:  # nothing of the email was accepted: on a new connection it is the first
            self._hand_over(written, self._open(until), until)
        return Taken(provider_id=written.message_id)

    def close(self) -> None:
        self._kept.close()

    def _open(self, until: float) -> Line:
        return open_line(self._relay, connect_s=self._connect_s, until=until)

    def _hand_over(self, written: Written, line: Line, until: float) -> None:
        """Keeps the connection where the relay spoke plainly of this one email."""
        try:
            line.hand_over(written, until=until, answer_s=self._read_s)
        except Refused:
            self._kept.keep(line)
            raise
        except BaseException:
            line.leave()
            raise
        self._kept.keep(line)


def make_relay(
    *,
    host: str,
    port: int,
    security: Security,
    user: str,
    password: str,
    bounce_address: str,
    context: ssl.SSLContext | None = None,
) -> MailRelay:
    """`context`: whose certificates are believed; without one, those that the system believes."""
    return MailRelay(
        host=host,
        port=port,
        security=security,
        user=user,
        password=password,
        own_name=bounce_address.rpartition("@")[2] or _own_name(),
        context=context or ssl.create_default_context(),
    )


def _own_name() -> str:
    """Without asking any DNS: smtplib would, for each connection and as long as that takes."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"  # RFC 5321, 4.1.4
