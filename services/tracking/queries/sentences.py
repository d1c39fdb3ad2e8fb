"""What words mean, said in whole sentences for people: the timeline and the console use them.

In: our words.  Out: English.  Nothing here decides anything.
"""

from collections.abc import Mapping, Sequence

from babel.numbers import get_currency_precision

from services.tracking.words import EventWord, ShownState
from shared.tables.dispatch import AttemptState
from shared.tables.intake import Standing

STATE_SAYS: Mapping[ShownState, str] = {
    ShownState.PLANNED: "Waits for its moment.",
    ShownState.HELD: "Waits for a person to look at it.",
    ShownState.SENDING: "Is being handed over right now.",
    ShownState.UNKNOWN: "Nobody can tell yet whether the provider took it.",
    ShownState.CANCELLED: "It was stopped before it left.",
    ShownState.HANDED_OVER: "The provider took it; no word from the other side yet.",
    ShownState.PRINTED: "Printed and in its envelope, not yet in the post.",
    ShownState.REFUSED: "The provider will not deliver it.",
    ShownState.POSTED: "In the post.",
    ShownState.LEFT_COUNTRY: "It left the country by post; the post there may tell no more.",
    ShownState.EXPIRED: "The mailbox could not be reached, and the provider gave up.",
    ShownState.DELIVERED: "Arrived, as far as anybody can prove.",
    ShownState.ANSWERED: "Arrived, and somebody wrote back.",
    ShownState.BOUNCED: "The recipient's mail server sent it back.",
    ShownState.RETURNED: "The post brought it back.",
    ShownState.COMPLAINED: "Arrived, and the reader marked it as spam.",
}

#: Of an action, after the sentence that it was accepted.  That somebody did the same before is not
#: for every client to know; see standing_says.
STANDING_SAYS: Mapping[Standing, str] = {
    Standing.COUNTED: "It is counted, and not carried by us.",
    Standing.UNCONFIRMED: "It waits until its supporter says: yes, this was me.",
    Standing.HELD: "It waits for a person to read it.",
    Standing.REJECTED: "A person read it since, and said no: it is not carried.",
    Standing.DISOWNED: "Its supporter said since: no, this was not me. It is not carried.",
    Standing.EXPIRED: "Nobody confirmed it in time: it is not carried.",
}
CONFIRMED_SAYS = "The supporter said: yes, this was me."

HELD_SAYS = "Waits for a person at the organisation that runs Writ."  # clients may read this one
TEST_SAYS = "It is a test: nothing is sent."

_EVENT_SAYS: Mapping[EventWord, str] = {
    EventWord.SENT_PROOF: "The provider confirmed that it took it",
    EventWord.DEFERRED: "The recipient's mail server put it off; the provider tries on",
    EventWord.AUTO_REPLIED: "An automatic reply came from the mailbox",
    EventWord.PRINTED: "Printed and put into its envelope",
    EventWord.REJECTED: "The provider refused it after taking it",
    EventWord.POSTED: "Handed to the post",
    EventWord.IN_TRANSIT: "The post has it on its way",
    EventWord.LEFT_COUNTRY: "It left the country",
    EventWord.EXPIRED: "The provider gave up after trying for hours",
    EventWord.DELIVERED: "Delivered",
    EventWord.OPENED: "It was opened, by a reader or by a machine on the way",
    EventWord.CLICKED: "A link in it was followed, by a reader or by a machine on the way",
    EventWord.ACKNOWLEDGED: "The recipient wrote that it has arrived",
    EventWord.ANSWERED: "An answer came",
    EventWord.BOUNCED: "The recipient's mail server sent it back",
    EventWord.SUPPRESSED: "The provider withheld it: the address is on its stop list",
    EventWord.RETURNED: "The post brought it back",
    EventWord.COMPLAINED: "The reader marked it as spam",
}

_REASON_SAYS: Mapping[str, str] = {
    "hard": "refused for good",
    "soft": "refused for now",
    "no_such_mailbox": "there is no such mailbox",
    "mailbox_full": "the mailbox is full",
    "message_too_large": "the message is too large for it",
    "content_rejected": "its filter disliked the content",
    "attachment_rejected": "its filter disliked an attachment",
    "global_stop_list": "on the list for all of the provider's customers",
    "own_stop_list": "on our own account's list",
    "bad_content": "it took the content for harmful",
    "out_of_office": "most likely an absence notice",
    "relayed": "taken in by a server that sends no receipts",
    "expanded": "passed on to everybody on a list",
    "absence": "an absence notice",
    "by_machine": "nobody wrote it",
    "read_receipt": "a notice that it was displayed",
    "reference_number": "with a reference number",
    "near_destination": "where its addressee is",
    "out_for_delivery": "about to be delivered",
    "rerouted": "sent on, or labelled anew",
}

_ATTEMPT_SAYS: Mapping[AttemptState, str] = {
    AttemptState.STARTED: "Attempt {number} through {provider} began",
    AttemptState.SENT: "Attempt {number}: {provider} took it",
    AttemptState.NOT_SENT: "Attempt {number}: {provider} did not take it; it is tried again",
    AttemptState.REFUSED: "Attempt {number}: {provider} refused it for good",
    AttemptState.UNKNOWN: "Attempt {number}: nobody can tell whether {provider} took it",
}

_DRY_RUN = "dry_run"
_DRY_RUN_SAYS = "Attempt {number}: a test. It was rendered, and nothing was sent"
_PROVIDERS = {
    "mail": "the mailbox for answers",
    "ses": "Amazon SES",
    "print_vendor": "the print vendor",
    "lob": "Lob",
    "pingen": "Pingen",
    "smtp": "the mail relay",
    _DRY_RUN: "the dry run",
}


def provider_name(provider: str | None) -> str:
    return _PROVIDERS.get(provider or "", provider or "no provider")


def planned_says(carrier: str, why: str) -> str:
    return why if carrier == "notice" else f"Planned as a {carrier} delivery: {why}"


def standing_says(standing: str, *, held_for: Sequence[str] | None, own_first: bool) -> str | None:
    """How an action stands since.  What came second to another client's is told as if first."""
    if standing == Standing.DUPLICATE and held_for and not own_first:
        return STANDING_SAYS[Standing.HELD]
    return STANDING_SAYS.get(Standing(standing))


def state_says(state: ShownState, mode: str) -> str:
    if mode == "test" and state is ShownState.HANDED_OVER:
        return "It was a test: rendered, and nothing was sent."
    return STATE_SAYS[state]


def event_says(word: str, reason: str | None) -> str:
    said = _EVENT_SAYS[EventWord(word)]
    return f"{said}: {reason_says(reason)}." if reason else f"{said}."


def reason_says(reason: str) -> str:
    return _REASON_SAYS.get(reason, reason.replace("_", " "))


def attempt_says(state: str, number: int, provider: str) -> str:
    said = _ATTEMPT_SAYS[AttemptState(state)]
    if provider == _DRY_RUN and state == AttemptState.SENT:
        said = _DRY_RUN_SAYS
    return said.format(number=number, provider=provider_name(provider)) + "."


def addressed_says(holder: str) -> str:
    return f"Addressed to {holder}."


def money(minor: int | None, currency: str | None) -> str:
    """An amount in a currency's minor units, with as many decimals as that currency has."""
    if minor is None or not currency:
        return "no price"
    decimals = get_currency_precision(currency)
    return f"{minor / 10**decimals:.{decimals}f} {currency}"
