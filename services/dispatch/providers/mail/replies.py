"""What a mail relay's reply means for the delivery: one table, each row with its source.

In: the stage of the talk, the reply's code and text (RFC 5321; enhanced codes of RFC 3463 and the
IANA registry of RFC 5248).  Out: a ProviderError.  No text of a reply goes further: it may quote
an address.

Until a recipient is named, a refusal speaks of us and holds the lane; afterwards it speaks of the
one email.  Where a relay says about us only then (Postfix does, `smtpd_delay_reject`), its words
tell: held wrongly an email is late, refused wrongly it is lost.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)

LANE_PAUSE_S = 15 * 60  # people have to mend something
LANE_BREATH_S = 60  # the relay asked for a moment

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")


class Stage(StrEnum):
    """What the relay answered to."""

    GREETING = "the connection"
    HELLO = "EHLO"
    TLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END = "the end of the data"


class _Means(StrEnum):
    LATER = "later"
    BREATH = "breath"  # the whole lane waits a moment
    ACCOUNT = "account"
    CREDENTIALS = "credentials"
    SENDER = "sender"
    REFUSED = "refused"


_LANE: Mapping[_Means, tuple[float, LaneReason]] = {
    _Means.BREATH: (LANE_BREATH_S, LaneReason.ACCOUNT),
    _Means.ACCOUNT: (LANE_PAUSE_S, LaneReason.ACCOUNT),
    _Means.CREDENTIALS: (LANE_PAUSE_S, LaneReason.CREDENTIALS),
    _Means.SENDER: (LANE_PAUSE_S, LaneReason.NOT_VERIFIED),
}

_EVERY = frozenset(Stage)
_OF_THE_EMAIL = frozenset({Stage.RCPT, Stage.DATA, Stage.END})
_OF_US = _EVERY - _OF_THE_EMAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """It matches where the class and the stage do, and any one of codes, enhanced and texts."""

    begins: str  # 4 or 5
    means: _Means
    source: str
    stages: frozenset[Stage] = _EVERY
    codes: frozenset[int] = frozenset()
    enhanced: str = ""  # a pattern of "subject.detail"
    texts: tuple[str, ...] = ()

    def matches(self, stage: Stage, code: int, enhanced: str, text: str) -> bool:
        if stage not in self.stages or not str(code).startswith(self.begins):
            return False
        return (
            not (self.codes or self.enhanced or self.texts)
            or code in self.codes
            or bool(self.enhanced and re.fullmatch(self.enhanced, enhanced))
            or any(one in text for one in self.texts)
        )


# The first row that matches counts.
_ROWS = (
    _Row(
        begins="4",
        means=_Means.BREATH,
        codes=frozenset({421}),
        source="RFC 5321, 3.8 and 4.2.2: the service closes, whatever was asked",
    ),
    _Row(
        begins="4",
        means=_Means.BREATH,
        enhanced=r"7\.28",
        texts=(
            *("too much mail from", "too many connections from", "too many recipients from"),
            "rate limit",
        ),
        source="IANA: X.7.28 mail flood; Postfix, postconf(5) smtpd_client_*_rate_limit",
    ),
    _Row(
        begins="4",
        means=_Means.BREATH,
        stages=frozenset({Stage.GREETING, Stage.HELLO, Stage.AUTH, Stage.MAIL}),
        enhanced=r"7\.\d+",
        source="RFC 4954, 6: 454 4.7.0 temporary authentication failure; RFC 3463, 3.8",
    ),
    _Row(
        begins="4",
        means=_Means.LATER,
        source="RFC 5321, 4.2.1: transient, to be tried again; greylisting is 4.7.1 at RCPT",
    ),
    _Row(
        begins="5",
        means=_Means.LATER,
        stages=_OF_THE_EMAIL,
        enhanced=r"2\.2",
        source="RFC 3463, 3.3: X.2.2 mailbox full is a persistent transient failure",
    ),
    _Row(
        begins="5",
        means=_Means.REFUSED,
        codes=frozenset({552}),
        enhanced=r"3\.4|2\.3",
        source="RFC 1870, 6.1 and RFC 3463, 3.3 and 3.4: the message is too large",
    ),
    _Row(
        begins="5",
        means=_Means.CREDENTIALS,
        codes=frozenset({530, 534, 535, 538}),
        enhanced=r"7\.(8|9|10|11|12|13)",
        source="RFC 4954, 4 and 6; RFC 3207, 4: 530 says STARTTLS first; IANA: X.7.8 to X.7.13",
    ),
    _Row(
        begins="5",
        means=_Means.CREDENTIALS,
        stages=_EVERY - {Stage.END},  # there it may be a list's rule about who writes to it
        texts=("authentication required", "authentication needed", "not authenticated"),
        source="Exim and Exchange say so at RCPT, with 550 5.7.1",
    ),
    _Row(
        begins="5",
        means=_Means.ACCOUNT,
        stages=_EVERY - {Stage.END},
        codes=frozenset({500, 502, 503, 504, 555}),
        enhanced=r"3\.(2|5)|7\.14|5\.1",
        source="RFC 5321, 4.2.2: it does not do what we ask of it; RFC 3463, 3.4: its own state",
    ),
    _Row(
        begins="5",
        means=_Means.ACCOUNT,
        texts=(
            "relay access denied",  # Postfix, reject_unauth_destination
            "relaying denied",  # Sendmail
            "relay not permitted",  # Exim
            "unable to relay",  # Exchange
            "client host rejected",  # Postfix, smtpd_client_restrictions
            "helo command rejected",  # Postfix, smtpd_helo_restrictions
        ),
        source="postconf(5), smtpd_delay_reject: what is wrong with us is said at RCPT",
    ),
    _Row(
        begins="5",
        means=_Means.SENDER,
        stages=_EVERY - {Stage.END},
        enhanced=r"1\.(7|8)",
        texts=("sender address rejected",),  # Postfix, smtpd_sender_restrictions
        source="RFC 3463, 3.2: X.1.7 and X.1.8 are the sender's address",
    ),
    _Row(
        begins="5",
        means=_Means.SENDER,
        stages=frozenset({Stage.MAIL}),
        codes=frozenset({550, 553}),
        source="RFC 5321, 4.2.2: at MAIL the mailbox that is not allowed is ours",
    ),
    _Row(
        begins="5",
        means=_Means.ACCOUNT,
        stages=_OF_US,
        source="RFC 5321, 4.2.1: nothing was said yet but who we are (554 at the greeting, 5.7.1)",
    ),
    _Row(
        begins="5",
        means=_Means.REFUSED,
        source="RFC 5321, 4.2.1; RFC 3463, 3.2: 5.1.1, 5.1.2, 5.1.3, 5.1.10 (RFC 7505)",
    ),
)


def meaning(stage: Stage, code: int, text: bytes) -> ProviderError:
    """What a reply other than "go on" means; `code` is -1 where there was none to read."""
    said = text.decode("utf-8", "replace")
    enhanced = next((found for line in said.split("\n") if (found := _ENHANCED.match(line))), None)
    detail = f"the relay answered {code} {enhanced[0] if enhanced else ''}".rstrip()
    detail = f"{detail} to {stage}"
    if code not in range(400, 600):
        # Nobody can tell what it did with an email that it had whole.
        return Unclear(detail) if stage is Stage.END else TryLater(detail)
    finer = f"{enhanced[2]}.{enhanced[3]}" if enhanced and enhanced[1] == str(code)[0] else ""
    row = next(row for row in _ROWS if row.matches(stage, code, finer, said.lower()))
    if row.means in _LANE:
        after_s, reason = _LANE[row.means]
        return LaneHeld(detail, after_s=after_s, reason=reason)
    return Refused(detail) if row.means is _Means.REFUSED else TryLater(detail)
