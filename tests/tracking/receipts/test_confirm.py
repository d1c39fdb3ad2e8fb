from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from services.tracking.receipts.confirm import confirm_at_amazon


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


@mock_aws
def test_a_subscription_is_confirmed_in_the_topics_own_region() -> None:
    sns: Any = boto3.session.Session().client("sns", region_name="eu-west-1")
    topic = sns.create_topic(Name="writ-events")["TopicArn"]

    confirm_at_amazon()(topic, "a-token")  # moto knows a topic only in its region


@mock_aws
def test_a_topic_that_is_not_there_is_an_error_so_that_sns_asks_again() -> None:
    with pytest.raises(ClientError, match="NotFound"):
        confirm_at_amazon()("arn:aws:sns:eu-west-1:123456789012:gone", "a-token")
