"""An Amazon SQS queue through boto3: long poll, ten messages an answer, deleted by tens.

In: SQS's words.  Out: Messages, or QueueAway.  The two calls may be repeated without harm, so that
boto3 may repeat them.  Source: SQS API reference, "ReceiveMessage", "DeleteMessageBatch".
"""

from collections.abc import Sequence
from typing import Any

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.tracking.listen import Message, QueueAway

WAIT_S = 20  # the longest poll there is: fewest empty answers
MOST = 10  # what one answer, and one deletion, can hold
# An answer may take as long as the poll; a connection that died says nothing for ever.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=WAIT_S + 10,
    retries={"total_max_attempts": 2, "mode": "standard"},
    max_pool_connections=32,
)

log = structlog.get_logger(__name__)


def connect_sqs(
    *, region: str, endpoint_url: str | None, access_key_id: str, secret_access_key: str
) -> Any:
    """A client for all threads of a process.  Without a key: what the machine itself may do."""
    return boto3.session.Session().client(
        "sqs",
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id=access_key_id or None,
        aws_secret_access_key=secret_access_key or None,
        config=_CONFIG,
    )


class SqsQueue:
    """One queue by its URL.  Safe on any thread."""

    at_once = MOST

    def __init__(self, client: Any, url: str, *, longest_wait_s: int = WAIT_S) -> None:
        self._client = client
        self._url = url
        self._wait_s = longest_wait_s

    def receive(self, *, wait: bool) -> Sequence[Message]:
        answer = self._call(
            self._client.receive_message,
            MaxNumberOfMessages=MOST,
            WaitTimeSeconds=self._wait_s if wait else 0,
        )
        return [
            # A half character, which JSON can write, is for the reader to refuse.
            Message(
                id=one["MessageId"],
                handle=one["ReceiptHandle"],
                body=one["Body"].encode(errors="surrogatepass"),
            )
            for one in answer.get("Messages", ())
        ]

    def delete(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), MOST):
            entries = [
                {"Id": str(number), "ReceiptHandle": one.handle}
                for number, one in enumerate(messages[start : start + MOST])
            ]
            answer = self._call(self._client.delete_message_batch, Entries=entries)
            for failed in answer.get("Failed", ()):
                message = messages[start + int(failed["Id"])]
                log.warning("message_not_deleted", message=message.id, code=failed.get("Code"))

    def _call(self, call: Any, **told: Any) -> Any:
        try:
            return call(QueueUrl=self._url, **told)
        except (BotoCoreError, ClientError) as error:
            raise QueueAway(_name(error)) from error


def _name(error: Exception) -> str:
    """What went wrong, in SQS's word; a text of botocore's may quote a key's beginning."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "ClientError"))
    return type(error).__name__
