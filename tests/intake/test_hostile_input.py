"""Whatever is posted is taken or refused: nothing breaks, and nothing is stored on a refusal."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from shared.tables.intake import actions
from tests.intake.builders import Intake, an_action

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["case", "kind", "channel", "recipients", "supporter", "words", "language", "consent"]
    + ["source", "reference", "occurred_at", "colour"]
)
PEOPLE = st.fixed_dictionaries(
    {"name": st.text()}, optional={"email": st.text(), "country": st.text()}
)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    intake = Intake.start(f"sqlite:///{tmp_path_factory.mktemp('intake') / 'writ.db'}")
    yield intake
    intake.database.close()


def stored(intake: Intake) -> int:
    with intake.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def check(intake: Intake, answer: Any, before: int) -> None:
    """A refusal names its code and stores nothing; an acceptance stores one action."""
    if answer.status_code == 202:
        assert stored(intake) == before + 1
        return
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json["code"] in {"malformed_json", "invalid"}
    assert stored(intake) == before


@QUICK
@given(name=FIELDS, value=ANYTHING)
def test_anything_in_any_field(intake: Intake, name: str, value: Any) -> None:
    before = stored(intake)

    answer = intake.post({**an_action(), name: value})

    check(intake, answer, before)


@QUICK
@given(supporter=PEOPLE, words=st.text())
def test_any_text_of_a_supporter(intake: Intake, supporter: dict[str, Any], words: str) -> None:
    before = stored(intake)

    answer = intake.post(an_action(supporter=supporter, words=words))

    check(intake, answer, before)


@QUICK
@given(body=st.binary())
def test_any_bytes(intake: Intake, body: bytes) -> None:
    before = stored(intake)

    answer = intake.http.post(
        "/v1/actions", data=body, content_type="application/json", headers=intake.auth()
    )

    check(intake, answer, before)


@QUICK
@given(cursor=st.text(), limit=st.text(), reference=st.text())
def test_any_query(intake: Intake, cursor: str, limit: str, reference: str) -> None:
    query = {"cursor": cursor, "limit": limit, "reference": reference}

    answer = intake.http.get("/v1/actions", query_string=query, headers=intake.auth())

    assert answer.status_code in {200, 422}, answer.text
