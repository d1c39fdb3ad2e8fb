from typing import Any

import boto3
import pytest
from moto import mock_aws

from services.tracking.receipts.confirm import confirm_at_amazon
from services.tracking.receipts.contract import NotConfirmed


@pytest.fixture(autouse=True)
def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """As tracking runs: no key in the environment, in a file or from the machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@mock_aws(config={"core": {"mock_credentials": False}})
def test_a_subscription_is_confirmed_in_the_topics_own_region() -> None:
    sns: Any = boto3.session.Session("a", "key", region_name="eu-west-1").client("sns")
    topic = sns.create_topic(Name="writ-events")["TopicArn"]

    confirm_at_amazon()(topic, "a-token")  # moto knows a topic only in its region


@mock_aws(config={"core": {"mock_credentials": False}})
def test_a_topic_that_is_not_there_is_an_error_so_that_sns_asks_again() -> None:
    with pytest.raises(NotConfirmed):
        confirm_at_amazon()("arn:aws:sns:eu-west-1:123456789012:gone", "a-token")


def test_a_region_that_is_none_is_no_crash() -> None:
    with pytest.raises(NotConfirmed):
        confirm_at_amazon()("arn:aws:sns:no region:123456789012:writ", "a-token")
