"""What a person may ask of dispatch from the console: what it will do first, then the command.

In: a delivery as it stands.  Out: the acts that fit it, and the command of the one chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from services.tracking.commands import Command
from services.tracking.console.reading import papers
from services.tracking.queries.deliveries import Shown
from services.tracking.resend import MAY_HAVE_COME_BACK, why_not
from services.tracking.resend import command as resend
from services.tracking.words import ShownState
from shared.tables.tracking import Verb, Verdict

LONGEST_WHY = 1000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing to ask for."""

    name: str
    title: str  # on the button
    does: str  # before anything is done
    verb: Verb
    fits: frozenset[ShownState]
    style: str  # of Bootstrap's buttons
    verdict: Verdict | None = None


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            name="release",
            title="Release",
            does=(
                "The delivery is due again at once, and dispatch tries it as it would any other. "
                "If what held it is still so, it will be held again."
            ),
            verb=Verb.RELEASE,
            fits=frozenset({ShownState.HELD}),
            style="primary",
        ),
        Act(
            name="sent",
            title="It was taken",
            does=(
                "The attempt counts as taken, and nothing more is sent. Choose this when you have "
                "seen a proof, or would rather lose this one than send it twice."
            ),
            verb=Verb.RESOLVE_UNKNOWN,
            fits=frozenset({ShownState.UNKNOWN}),
            style="primary",
            verdict=Verdict.SENT,
        ),
        Act(
            name="not_taken",
            title="It was not taken",
            does=(
                "The delivery is due again and will be sent. If the provider did take it after "
                "all, the recipient gets it twice."
            ),
            verb=Verb.RESOLVE_UNKNOWN,
            fits=frozenset({ShownState.UNKNOWN}),
            style="outline-danger",
            verdict=Verdict.NOT_TAKEN,
        ),
        Act(
            name="cancel",
            title="Cancel",
            does=(
                "The delivery never leaves. The actions it carries stay stored, and are counted "
                "as cancelled. This cannot be taken back."
            ),
            verb=Verb.CANCEL,
            fits=frozenset({ShownState.HELD, ShownState.PLANNED}),
            style="outline-danger",
        ),
        Act(
            name="resend",
            title="Send again",
            does=(
                "It came back. What it carried leaves on a new delivery, to the address that the "
                "pack has today: mend that first. Where it is stopped, the new one is held. This "
                "one stays as it is."
            ),
            verb=Verb.RESEND,
            fits=MAY_HAVE_COME_BACK,
            style="primary",
        ),
    )
}


def fitting(connection: Connection, shown: Shown) -> list[Act]:
    """The acts that make sense for a delivery that stands so."""
    return [act for act in ACTS.values() if fits(connection, act, shown)]


def fits(connection: Connection, act: Act, shown: Shown) -> bool:
    if shown.state not in act.fits:
        return False
    return act.verb is not Verb.RESEND or why_not(connection, shown.id) is None


def command(connection: Connection, act: Act, shown: Shown, *, given_by: str, why: str) -> Command:
    if act.verb is Verb.RESEND:
        return resend(connection, shown.id, given_by=given_by, why=why)
    return Command(
        verb=act.verb,
        delivery_id=shown.id,
        attempt_id=papers(connection, shown.id).unknown_attempt if act.verdict else None,
        arguments={"verdict": act.verdict.value} if act.verdict else {},
        given_by=given_by,
        why=why,
    )
