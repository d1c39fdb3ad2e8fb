"""Finds what a person should read before it is carried.  It holds; it never drops, and it decides
nothing.

Pure: in: an action and its case.  Out: reasons, each with a sentence for ops in `SAYS`.  What one
action alone cannot show (the same words from many) is found in bursts.py.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from services.intake.accept import Action
from services.intake.moderation import numbers
from services.intake.moderation.phrases import Phrases, fold, spaced
from services.intake.moderation.scripts import in_script_of
from shared.catalogue import CARRIED, Case, Moderation


class Reason(StrEnum):
    """Why an action is held, in a word that does not change."""

    THREAT = "threat"  # or abuse
    LINK = "link"
    PHONE_NUMBER = "phone_number"
    OTHER_SCRIPT = "other_script"
    FORBIDDEN_WORD = "forbidden_word"
    SIMILAR_TEXT = "similar_text"
    SUPPORTER_BURST = "supporter_burst"
    CLIENT_BURST = "client_burst"


#: The same for people.
SAYS: Mapping[Reason, str] = {
    Reason.THREAT: "A threat or abuse, in the words or the name.",
    Reason.LINK: "A link or an address on the net, in the words or the name.",
    Reason.PHONE_NUMBER: "What looks like a phone number, in the words or the name.",
    Reason.OTHER_SCRIPT: "Words mostly in another script than that of the letter's language.",
    Reason.FORBIDDEN_WORD: "A word that could harm: the case's policy forbids it.",
    Reason.SIMILAR_TEXT: "Nearly the same words came again and again within the hour.",
    Reason.SUPPORTER_BURST: "The same supporter acted very often within the hour.",
    Reason.CLIENT_BURST: "The tool handed in much of its day's actions within the hour.",
}

# Ends of names on the net that are no words of a language that we know of, and so make a link even
# where a space may have been forgotten after a full stop: neither "me" nor "in" nor "live".
_NET = (
    "com|org|net|info|biz|edu|gov|mil|xyz|uk|ru|ua|cn|fr|hk|tw|jp|kr"
    "|th|eg|mx|gt|ng|pl|nl|ch|cz|gr|tr|br|nz|za|tv|cc|ly|gg|рф|укр|бел|中国"
)
_LINK = re.compile(
    # Begins with the dot, which a regex can find quickly; what stands before it is looked back at.
    rf"\.(?<=[^\W_]\.)(?:(?:{_NET})(?![^\W_])|[a-z]{{2,24}}/[^\W_])"
)
_BRACKETED = re.compile(r"[\[({]\s?(?:\.|dot|punto|point|точка|крапка|نقطه|点|點|at|@)\s?[\])}]")
_SPOKEN = re.compile(r"dot (?:com|org|net)(?![^\W_])")
_MAILBOX = re.compile(r"@(?<=[^\W_]@)[^\W_]")


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as it was written, in the two forms in which it is searched."""

    folded: str
    words: str

    @classmethod
    def of(cls, text: str) -> "_Text":
        folded = fold(text)
        return cls(folded, spaced(folded))


def reasons(action: Action, case: Case) -> tuple[Reason, ...]:
    """Why a person should read it first; empty: for nothing.

    What Writ does not carry reaches nobody through Writ: its words are not looked at.
    """
    if action.channel not in CARRIED:
        return ()
    rules = case.policy.moderation
    texts = [_Text.of(action.supporter_name)]
    if action.words:
        texts.append(_Text.of(action.words))
    found = {reason for text in texts for reason in _found(text, rules)}
    if action.words and rules.other_script and not _in_script(action, texts[1].folded):
        found.add(Reason.OTHER_SCRIPT)
    return tuple(reason for reason in Reason if reason in found)


def _found(text: _Text, rules: Moderation) -> Iterator[Reason]:
    if _THREATS.found_in(text.folded, text.words):
        yield Reason.THREAT
    if rules.links and _has_link(text.folded):
        yield Reason.LINK
    if rules.phone_numbers and numbers.has_phone_number(text.folded):
        yield Reason.PHONE_NUMBER
    if rules.forbidden and _phrases(rules.forbidden).found_in(text.folded, text.words):
        yield Reason.FORBIDDEN_WORD


def _has_link(folded: str) -> bool:
    if "http" in folded or "hxxp" in folded or "://" in folded or "www." in folded:
        return True
    return any(one.search(folded) for one in (_LINK, _MAILBOX, _BRACKETED, _SPOKEN))


def _in_script(action: Action, folded: str) -> bool:
    """The case's name may stand in Latin in any letter."""
    if in_script_of(action.language, folded):
        return True
    for name in action.case.split("-"):
        folded = folded.replace(name, "")
    return in_script_of(action.language, folded)


@lru_cache(maxsize=256)  # one for each case that forbids words
def _phrases(terms: tuple[str, ...]) -> Phrases:
    return Phrases.of(terms)


def _read_threats() -> Phrases:
    lists = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
    return Phrases.of(
        term for words in lists.values() for term in (*words["threats"], *words["abuse"])
    )


_THREATS = _read_threats()
