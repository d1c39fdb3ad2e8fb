"""Tells mail that came back apart: a bounce, a machine's reply, an acknowledgement, an answer.

In: a Mail.  Out: what it is, and why, without a word of it.  What is doubtful is an answer: then a
person reads it, and nothing that an office has to say is lost among the machines.
Sources: RFC 3464 (delivery reports), RFC 5321 4.5.5 (null return path), RFC 3834 (Auto-Submitted),
MS-OXCMAIL 2.2.3.2.14 (X-Auto-Response-Suppress), signs.toml.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from services.tracking.inbound.read import Mail, address_of

#: An acknowledgement is short.  Longer, and it may say more than that it has arrived.
SHORT = 400  # characters
#: The same where something shows that a machine sent it: their disclaimers are long.
SHORT_OF_MACHINE = 3_000

_BY_MACHINE = frozenset({"auto-replied", "auto-generated", "auto-notified"})
_DAEMONS = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "maildaemon"})
_NUMBER = re.compile(
    r"(?:[№#]|\b(?:ref|reference|case|ticket|number|no|nr|zeichen|aktenzeichen|num[eé]ro|n[uú]mero"
    r"|номер|номером)\b)[^\n\d]{0,30}\d[\w./-]{2,}",
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"\s*(re|aw|sv|antw|rv|vs|odp|ynt|ref)\s*[:：]", re.IGNORECASE)
# "On 10 Dec 2021, Ada wrote:", with a date in it: people begin lines so, too.
_WROTE = re.compile(r"^(on|le|am|el|il|em|op|den|w dniu)\b.{0,60}\d.{0,180}[:：]$", re.IGNORECASE)


class ReplyKind(StrEnum):
    """What a message that came back is."""

    BOUNCE = "bounce"  # a mail server tells of the delivery
    AUTO_REPLY = "auto_reply"  # a machine answers for whoever is away
    ACKNOWLEDGEMENT = "acknowledgement"  # the office says that it has arrived
    ANSWER = "answer"  # anything else: a person reads it


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: ReplyKind
    why: str  # in words for people; names nobody and quotes nothing but our own table
    reason: str | None = None  # a finer word for the event


def classify(mail: Mail) -> Verdict:
    for look in (_bounce, _absence, _acknowledgement, _machine):
        if verdict := look(mail):
            return verdict
    if mail.defect:
        return Verdict(ReplyKind.ANSWER, f"Not all of it could be read: {mail.defect}.")
    return Verdict(ReplyKind.ANSWER, "Nothing shows that a machine wrote it.")


def _bounce(mail: Mail) -> Verdict | None:
    if "multipart/report; delivery-status" in mail.parts or "message/delivery-status" in mail.parts:
        return Verdict(ReplyKind.BOUNCE, "It holds a delivery report (RFC 3464).")
    if _has_null_path(mail) and mail.headers.has("X-Failed-Recipients"):
        return Verdict(ReplyKind.BOUNCE, "No return path, and X-Failed-Recipients as Exim writes.")
    local = address_of(mail.sender).partition("@")[0]
    if _has_null_path(mail) and local in _DAEMONS and not _submitted(mail).startswith("auto-repl"):
        return Verdict(ReplyKind.BOUNCE, f"No return path, and sent by {local}.")
    return None


def _absence(mail: Mail) -> Verdict | None:
    if "multipart/report; disposition-notification" in mail.parts:
        return Verdict(ReplyKind.AUTO_REPLY, "It holds a read receipt (RFC 8098).", "read_receipt")
    if sign := _beginning(mail.subject, "absence_subjects"):
        why = f"The subject begins as an automatic reply does: “{sign}”."
        return Verdict(ReplyKind.AUTO_REPLY, why, "absence")
    written = own_words(mail.text)
    if len(written) <= _short(mail) and (sign := _within(written, "absence")):
        why = f"Its writer says that they are away: “{sign}”."
        return Verdict(ReplyKind.AUTO_REPLY, why, "absence")
    return None


def _acknowledgement(mail: Mail) -> Verdict | None:
    written = own_words(mail.text)
    sign = _within(f"{_without_re(mail.subject)}\n{written}", "acknowledgement")
    if not sign or len(written) > _short(mail):
        return None
    numbered = _NUMBER.search(written) or _NUMBER.search(_without_re(mail.subject))
    more = " and gives a number" if numbered else ""
    reason = "reference_number" if numbered else None
    why = f"It says that it has arrived (“{sign}”){more}, and is short."
    return Verdict(ReplyKind.ACKNOWLEDGEMENT, why, reason)


def _machine(mail: Mail) -> Verdict | None:
    """A header that only programs write, or two that hardly anybody else does."""
    found = next((why for sign in _SURE if (why := sign(mail))), None)
    if found is None:
        hints = [why for sign in _HINTS if (why := sign(mail))]
        found = " and ".join(hints) if len(hints) > 1 else None
    if found is None:
        return None
    return Verdict(ReplyKind.AUTO_REPLY, f"A machine sent it: {found}.", "by_machine")


def _short(mail: Mail) -> int:
    by_machine = any(sign(mail) for sign in (*_SURE, *_HINTS))
    return SHORT_OF_MACHINE if by_machine else SHORT


def _submitted(mail: Mail) -> str:
    """The keyword alone: parameters and comments may follow."""
    said = re.match(r"\s*([\w-]*)", mail.headers.get("Auto-Submitted"))
    return said[1].lower() if said else ""


def _auto_submitted(mail: Mail) -> str | None:
    said = _submitted(mail)
    # RFC 3834, 5: anything but "no" was not written by hand, also what is registered later.
    if said in {"", "no"}:
        return None
    return f"Auto-Submitted: {said}" if said in _BY_MACHINE else "Auto-Submitted is not “no”"


def _vacation_header(mail: Mail) -> str | None:
    names = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Vacation")
    return next((f"it has {name}" for name in names if mail.headers.has(name)), None)


def _precedence(mail: Mail) -> str:
    return mail.headers.get("Precedence").lower()


_Sign = Callable[[Mail], str | None]
_SURE: tuple[_Sign, ...] = (
    _auto_submitted,
    _vacation_header,
    lambda mail: "Precedence: auto_reply" if _precedence(mail) == "auto_reply" else None,
)
# A ticket system may write them into what a person answered, too: one alone proves nothing.
_HINTS: tuple[_Sign, ...] = (
    lambda mail: "no return path" if _has_null_path(mail) else None,
    lambda mail: "Precedence: bulk" if _precedence(mail) in {"bulk", "junk", "list"} else None,
    lambda mail: (
        "X-Auto-Response-Suppress" if mail.headers.has("X-Auto-Response-Suppress") else None
    ),
    lambda mail: "its sender takes no answers" if _takes_no_answers(mail) else None,
)


def _has_null_path(mail: Mail) -> bool:
    return mail.headers.get("Return-Path").replace(" ", "") == "<>"


def _takes_no_answers(mail: Mail) -> bool:
    local = address_of(mail.sender).partition("@")[0]
    return re.sub("[^a-z]", "", local) in {"noreply", "donotreply", "nepasrepondre", "noresponder"}


def own_words(text: str) -> str:
    """What was written, without what is quoted below or between."""
    quotes = _signs()["quotes"]
    kept = []
    for line in text.split("\n"):
        if line.startswith(">"):
            continue
        folded = _folded(line.strip()[:300])
        if folded.startswith(quotes) or _WROTE.match(line.strip()[:250]):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def _beginning(subject: str, table: str) -> str | None:
    folded = _folded(_without_re(subject))
    return next((sign for sign in _signs()[table] if folded.startswith(sign)), None)


def _within(text: str, table: str) -> str | None:
    folded = " ".join(_folded(text).split())
    return next((sign for sign in _signs()[table] if sign in folded), None)


def _without_re(subject: str) -> str:
    """The subject is ours where it is only answered: what it says is not theirs."""
    return "" if _ANSWERS.match(subject) else subject


@cache
def _signs() -> dict[str, tuple[str, ...]]:
    """Each table's phrases, folded; the longest first, so that the evidence says the most."""
    tables = tomllib.loads((files(__package__) / "signs.toml").read_text(encoding="utf-8"))
    return {name: _longest_first(by_language.values()) for name, by_language in tables.items()}


def _longest_first(lists: Iterable[list[str]]) -> tuple[str, ...]:
    phrases = {_folded(phrase) for phrases in lists for phrase in phrases}
    return tuple(sorted(phrases, key=lambda one: (-len(one), one)))


def _folded(text: str) -> str:
    """Without case and accents, apostrophes and dashes in one form."""
    plain = text.replace("’", "'").replace("\u2013", "-").replace("\xa0", " ")
    apart = unicodedata.normalize("NFKD", plain.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))
