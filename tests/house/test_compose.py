"""docker-compose.yml hands each service what its code reads, and no secret of another's."""

import pytest
from ruamel.yaml import YAML

from tests.house.settings import settings_read
from tests.house.tree import ROOT

SERVICES = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]


READ_BY_BOTO3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
FOLDER = {
    "intake": "intake",
    "relay": "dispatch",
    "dispatch": "dispatch",
    "tracking": "tracking",
    "tracking-worker": "tracking",
}
READ_BY_THE_COMMAND = {"tracking-worker": {"WRIT_BROKER_URL"}}  # services/cli/serve.py


@pytest.mark.parametrize("service", FOLDER)
def test_a_service_is_told_what_it_reads_and_nothing_else(service: str) -> None:
    read = set(settings_read(f"services/{FOLDER[service]}/*.py", "shared/*.py"))

    assert told(service) - READ_BY_BOTO3 == read | READ_BY_THE_COMMAND.get(service, set())


@pytest.mark.parametrize("service", ["intake", "tracking"])
def test_what_only_speaks_http_is_not_told_the_broker(service: str) -> None:
    assert "WRIT_BROKER_URL" not in told(service)


def test_only_dispatch_may_send_through_amazon() -> None:
    able = {service for service in SERVICES if told(service) & READ_BY_BOTO3}

    assert able == {"dispatch"}


def test_the_sandbox_starts_only_when_asked_for() -> None:
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


def told(service: str) -> set[str]:
    return set(SERVICES[service].get("environment", {}))
