"""Many actions in one call: every line is judged by itself, and what is right is stored together.

In: numbered lines of JSON, each an action.  Out: a result for each line, in order; one bad line
never rejects the others.  All that is right is one transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Connection

from services.intake.accept import Action, accept
from services.intake.models import BatchResult, NewAction, Status
from services.intake.take import Taker
from services.intake.told import own_firsts, status
from shared.api_keys import Client
from shared.faults import Fault, Refused
from shared.http.bodies import check_json, faults_of
from shared.http.problems import Problem

MOST_ACTIONS = 1_000
MOST_FAULTS = 20  # told of one line; who has more has not read the guide

Line = tuple[int, bytes]  # its number in the body, from 1, and its JSON


@dataclass(frozen=True, slots=True)
class Judged:
    """One line: what was accepted of it, or what is wrong with it."""

    line: int
    action: Action | None
    faults: Sequence[Fault] = ()


def judge(lines: Iterable[Line], client: Client, taker: Taker) -> list[Judged]:
    """Each line as an action of this client."""
    catalogue, now = taker.catalogue(), taker.clock()

    def one(number: int, line: bytes) -> Judged:
        key = taker.identity_key
        try:
            asked = read_action(line)
            action = accept(asked, client, catalogue=catalogue, identity_key=key, at=now)
            return Judged(number, action)
        except Refused as refused:
            return Judged(number, None, refused.faults)

    return [one(number, line) for number, line in lines]


def read_action(line: bytes) -> NewAction:
    """Raises Refused."""
    try:
        check_json(line)
        return NewAction.model_validate_json(line, strict=True)
    except Problem as problem:
        raise Refused(problem.faults or [Fault("", problem.kind.code, problem.detail)]) from None
    except ValidationError as error:
        raise Refused(faults_of(error)) from None


def store(
    connection: Connection, judged: Sequence[Judged], client: Client, taker: Taker
) -> list[BatchResult]:
    """Stores what is right; the result of each line, as its client is told it."""
    good = [one.action for one in judged if one.action]
    taken = taker.take(connection, good, capped=client.daily_actions > 0)
    own = own_firsts(connection, client.id, (one.duplicate_of for one in taken))
    stood = iter(taken)
    return [
        _accepted(one.line, next(stood), own) if one.action else _rejected(one.line, one.faults)
        for one in judged
    ]


def _accepted(number: int, action: Action, own: set[UUID]) -> BatchResult:
    return BatchResult(
        line=number,
        **status(action.standing, action.duplicate_of, own, held_for=action.held_for),
        id=action.id,
        supporter_ref=action.supporter_ref,
    )


def _rejected(number: int, faults: Sequence[Fault]) -> BatchResult:
    told = [
        {"pointer": one.pointer, "code": one.code, "detail": one.detail}
        for one in faults[:MOST_FAULTS]
    ]
    return BatchResult.model_validate({"line": number, "status": Status.INVALID, "errors": told})
