"""The road in its production shape: PostgreSQL, RabbitMQ, each service a process of its own."""

from collections.abc import Iterator
from itertools import islice

import pytest

from services.cli.campaign_tool import CampaignTool
from services.cli.summary import handed_over, sandbox_counts, tally
from services.cli.supporters import invent_actions
from tests.production import Production

ACTIONS = 2_000
PATIENCE_S = 60.0


@pytest.fixture
def writ(postgres_url: str, rabbit_url: str) -> Iterator[Production]:
    quick = {"WRIT_SANDBOX_RECEIPT_DELAY_MIN_S": "0.1", "WRIT_SANDBOX_RECEIPT_DELAY_MAX_S": "0.5"}
    with Production(settings=quick, database_url=postgres_url, broker_url=rabbit_url) as running:
        yield running


@pytest.mark.slow
def test_two_thousand_actions_end_once_each_with_every_service_a_process_of_its_own(
    writ: Production,
) -> None:
    tool = CampaignTool(writ.intake_url, writ.client.key, run="production")
    invented = islice(invent_actions(writ.catalogue(), seed=2021), ACTIONS)

    submitted = tool.submit(invented)
    writ.wait_until_quiet(PATIENCE_S)

    assert len(submitted.accepted) == ACTIONS
    with writ.database.read() as connection:
        counted = tally(connection, writ.client.id)
        ours = handed_over(connection, ("ses", "print_vendor"))
    theirs = sandbox_counts(writ.sandbox_url)
    assert counted.unaccounted == 0
    assert ours == {"email": theirs["emails"], "letter": theirs["letters"]}
    assert theirs["emails_by_delivery_max"] == theirs["letters_by_delivery_max"] == 1
    assert not {"planned", "sending", "unknown", "handed_over"} & counted.by_state().keys()
