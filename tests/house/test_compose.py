"""docker-compose.yml hands each service what its code reads, and no secret of another's."""

import pytest
from ruamel.yaml import YAML

from tests.house.settings import settings_read
from tests.house.tree import ROOT

SERVICES = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]


READ_BY_BOTO3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
INTAKE = ("services/intake/*.py",)
SHARED = ("shared/*.py", ":!shared/sftp.py")
TRACKING = (
    "services/tracking/*.py",
    ":!services/tracking/queue_settings.py",
    ":!services/tracking/files_settings.py",
)
DISPATCH = (
    "services/dispatch/*.py",
    ":!services/dispatch/preview*.py",
    ":!services/dispatch/vendor_settings/batches.py",
)
READ_IN = {
    "intake": (*INTAKE, *SHARED),
    "intake-worker": (*INTAKE, *SHARED),
    "relay": (*DISPATCH, *SHARED),
    "dispatch": (*DISPATCH, *SHARED),
    "dispatch-preview": ("services/dispatch/preview*.py",),
    "tracking": (*TRACKING, *SHARED),
    "tracking-worker": (*TRACKING, *SHARED),
    "receipts": ("services/tracking/queue_settings.py", *SHARED),
    "print-batches": (
        "services/dispatch/vendor_settings/batches.py",
        "services/dispatch/vendor_settings/sftp_manifest.py",
        "shared/*.py",
    ),
    "print-files": ("services/tracking/files_settings.py", "shared/*.py"),
}
LOGS = {"WRIT_SENTRY_DSN", "WRIT_LOG_JSON"}  # shared/settings.py; all that a preview needs of it
READ_BY_THE_COMMAND = {"tracking-worker": {"WRIT_BROKER_URL"}}  # services/cli/serve/tracking.py


@pytest.mark.parametrize("service", READ_IN)
def test_a_service_is_told_what_it_reads_and_nothing_else(service: str) -> None:
    read = set(settings_read(*READ_IN[service])) | LOGS

    assert told(service) - READ_BY_BOTO3 == read | READ_BY_THE_COMMAND.get(service, set())


def test_previews_open_nothing_that_is_sealed_and_send_nothing() -> None:
    secrets = {"WRIT_PRIVACY_KEYS", "WRIT_BROKER_URL", "WRIT_PRINT_API_KEY", *READ_BY_BOTO3}

    assert told("dispatch-preview") & secrets == set()


@pytest.mark.parametrize("service", ["intake", "intake-worker", "tracking", "receipts"])
def test_who_wakes_nobody_is_not_told_the_broker(service: str) -> None:
    assert "WRIT_BROKER_URL" not in told(service)


def test_only_dispatch_and_its_relay_may_ask_amazon() -> None:
    able = {service for service in SERVICES if told(service) & READ_BY_BOTO3}

    assert able == {"dispatch", "relay"}


def test_the_key_of_the_queue_is_told_to_who_reads_the_queue_alone() -> None:
    able = {service for service in SERVICES if "WRIT_SQS_SECRET_ACCESS_KEY" in told(service)}

    assert able == {"receipts"}


def test_the_sandbox_starts_only_when_asked_for() -> None:
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


def told(service: str) -> set[str]:
    return set(SERVICES[service].get("environment", {}))
