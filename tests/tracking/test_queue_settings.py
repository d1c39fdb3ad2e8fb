import dataclasses
from pathlib import Path
from typing import Any

import pytest

from services.tracking.queue_settings import QueueSettings
from shared.settings import Env, SettingError
from tests.tracking.builders import KEYS, TOPIC, some_settings

TOLD = {
    "WRIT_ENVIRONMENT": "development",
    "WRIT_DATABASE_URL": "sqlite:///writ.db",
    "WRIT_PRIVACY_KEYS": KEYS,
    "WRIT_SNS_TOPIC_ARNS": TOPIC,
    "WRIT_SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/writ-receipts",
    "WRIT_SQS_REGION": "eu-west-1",
}


def in_production(tmp_path: Path, **changes: Any) -> QueueSettings:
    common = dataclasses.replace(some_settings(tmp_path).common, production=True)
    read = QueueSettings.from_env(Env(TOLD))
    return dataclasses.replace(read, common=common, **changes)


def test_the_environment_is_read() -> None:
    settings = QueueSettings.from_env(Env(TOLD))

    assert settings.url == TOLD["WRIT_SQS_QUEUE_URL"]
    assert (settings.region, settings.endpoint_url) == ("eu-west-1", "")
    assert settings.sns_topic_arns == (TOPIC,)


def test_production_listens_to_a_queue_of_amazons(tmp_path: Path) -> None:
    in_production(tmp_path).check()


def test_without_a_queue_it_says_that_there_is_nothing_to_do() -> None:
    with pytest.raises(SettingError, match="WRIT_SQS_QUEUE_URL is not set"):
        QueueSettings.from_env(Env({**TOLD, "WRIT_SQS_QUEUE_URL": ""}))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"url": "http://127.0.0.1:8002/000000000000/writ-receipts"}, "WRIT_SQS_QUEUE_URL"),
        ({"endpoint_url": "http://127.0.0.1:8002"}, "WRIT_SQS_ENDPOINT_URL"),
        ({"sns_topic_arns": ()}, "WRIT_SNS_TOPIC_ARNS"),
        ({"sns_topic_arns": ("my-topic",)}, "WRIT_SNS_TOPIC_ARNS"),
        ({"access_key_id": "half a key"}, "WRIT_SQS_SECRET_ACCESS_KEY"),
    ],
)
def test_production_refuses_what_only_development_may_trust(
    tmp_path: Path, changes: dict[str, Any], name: str
) -> None:
    with pytest.raises(SettingError, match=name):
        in_production(tmp_path, **changes).check()
