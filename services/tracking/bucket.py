"""The S3 bucket that SES puts mail into, through boto3.

In: an object's key.  Out: its content, no more of it than is read.  Nothing is written or deleted:
the bucket's own lifecycle rule removes what is old (deploy/README.md, "Answers").
Source: S3 API reference, "GetObject".
"""

from typing import Any

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.tracking.inbound.read import MAX_BYTES
from services.tracking.listen import QueueAway

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"total_max_attempts": 2, "mode": "standard"},
)
# InvalidRange: there is an object, and nothing in it.
_GONE = frozenset({"NoSuchKey", "404", "InvalidRange"})

log = structlog.get_logger(__name__)


def connect_s3(*, region: str, access_key_id: str, secret_access_key: str) -> Any:
    """A client for all threads of a process.  Without a key: what the machine itself may do."""
    return boto3.session.Session().client(
        "s3",
        region_name=region,
        aws_access_key_id=access_key_id or None,
        aws_secret_access_key=secret_access_key or None,
        config=_CONFIG,
    )


class MailBucket:
    """One bucket by its name.  Safe on any thread."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def fetch(self, key: str) -> bytes | None:
        try:
            answer = self._client.get_object(
                Bucket=self.bucket, Key=key, Range=f"bytes=0-{MAX_BYTES}"
            )
            content: bytes = answer["Body"].read()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in _GONE:
                return None
            log.warning("bucket_away", error=code)
            raise QueueAway(code) from error
        except BotoCoreError as error:
            log.warning("bucket_away", error=type(error).__name__)
            raise QueueAway(type(error).__name__) from error
        return content
