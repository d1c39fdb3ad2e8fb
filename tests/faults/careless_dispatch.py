"""`writ dispatch` with boto3's own retries left on: what the send protocol forbids.

Only for `--prove-checker`: a checker that stays green over this would prove nothing.
"""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from services.cli.serve.dispatch import dispatch
from services.dispatch import worker

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


def connect_carelessly(
    *,
    region: str,
    endpoint_url: str | None,
    connect_timeout_s: float,
    read_timeout_s: float,
    connections: int,
) -> "SESV2Client":
    """As services/dispatch/providers/ses.py does, without its one word on retries."""
    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        max_pool_connections=connections,
    )
    client: SESV2Client = boto3.client(
        "sesv2", region_name=region, endpoint_url=endpoint_url, config=config
    )
    return client


if __name__ == "__main__":
    vars(worker)["connect_ses"] = connect_carelessly
    dispatch()
