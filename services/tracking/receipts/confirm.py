"""Says yes to an SNS topic through Amazon's own API, in the region that the topic's ARN names.

Following the address in the message instead would let whoever sends one make us call anything.
The call needs no credentials, and tracking has none: the token is the proof.
Source: SNS API reference, "ConfirmSubscription".
"""

from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.tracking.receipts.contract import Confirm, NotConfirmed

_CONFIG = Config(
    signature_version=UNSIGNED,
    connect_timeout=3,
    read_timeout=5,
    retries={"total_max_attempts": 1, "mode": "standard"},
)


def confirm_at_amazon() -> Confirm:
    """A Confirm.  It raises NotConfirmed, and the topic asks again."""

    def confirm(topic: str, token: str) -> None:
        region = topic.split(":")[3]
        try:
            # Once in a topic's life: a client of its own costs nothing worth keeping.
            client: Any = boto3.session.Session().client("sns", region_name=region, config=_CONFIG)
            client.confirm_subscription(TopicArn=topic, Token=token)
        except (BotoCoreError, ClientError) as error:
            raise NotConfirmed("the subscription could not be confirmed") from error

    return confirm
