"""Amazon SQS, as far as receiving goes, for an unmodified boto3: the queue that receipts wait in.

Speaks AWS JSON 1.0: `POST /` with `X-Amz-Target: AmazonSQS.ReceiveMessage` (long poll, visibility
timeout), DeleteMessage, DeleteMessageBatch, SendMessage, GetQueueUrl and GetQueueAttributes.
The signature of a call is not verified, only asked for.  Source: the SQS API reference.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from flask import Blueprint, Response, json, request
from pydantic import BaseModel, Field, ValidationError

from services.sandbox.faults import FaultBook, WireFault, misbehave
from services.sandbox.queue import DEAD, MOST_RECEIVED, NAME, Queues, Received

LANE = "sqs"
ACCOUNT = "000000000000"
PATH = f"/{ACCOUNT}/{NAME}"  # the queue's own address, below the sandbox's
REGION = "eu-central-1"
MOST = 10  # entries of a batch
MEDIA_TYPE = "application/x-amz-json-1.0"

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as SQS writes it: its own name, and the name that older clients know."""

    status: int
    kind: str
    old_name: str
    message: str


# Faults by name.
REFUSALS: Mapping[str, Refusal] = {
    "throttle": Refusal(400, "RequestThrottled", "RequestThrottled", "Rate exceeded"),
    "denied": Refusal(403, "AccessDeniedException", "AccessDenied", "Access is denied."),
    "500": Refusal(500, "InternalFailure", "InternalFailure", "Please retry your request."),
}
KINDS = {*REFUSALS, *WireFault}  # of the lane
_NO_QUEUE = Refusal(
    400,
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "The specified queue does not exist.",
)
_UNSIGNED = Refusal(
    403, "MissingAuthenticationToken", "MissingAuthenticationToken", "Request is not signed."
)


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.kind)
        self.refusal = refusal


class _OfQueue(BaseModel):
    QueueUrl: str


class _Receive(_OfQueue):
    MaxNumberOfMessages: Annotated[int, Field(ge=1, le=10)] = 1
    VisibilityTimeout: Annotated[int, Field(ge=0, le=43_200)] | None = None  # the queue's own
    WaitTimeSeconds: Annotated[int, Field(ge=0, le=20)] = 0


class _Delete(_OfQueue):
    ReceiptHandle: str


class _Entry(BaseModel):
    Id: str
    ReceiptHandle: str


class _DeleteBatch(_OfQueue):
    Entries: list[_Entry]


class _Send(_OfQueue):
    MessageBody: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Sqs:
    """SQS's counter, over the queues."""

    queues: Queues
    faults: FaultBook

    def take(self) -> Response:
        """Do what the current request asks."""
        try:
            if "Authorization" not in request.headers:
                raise _Refused(_UNSIGNED)
            verb = request.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
            return _answer(200, self._do(verb, request.get_data()))
        except _Refused as refused:
            return _refusal(refused.refusal)
        except ValidationError as error:
            return _refusal(_wrong(", ".join(str(one["loc"][0]) for one in error.errors())))

    def _do(self, verb: str, body: bytes) -> Answer:
        verbs: dict[str, Callable[[bytes], Answer]] = {
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "SendMessage": self._send,
            "GetQueueUrl": _queue_url,
            "GetQueueAttributes": self._attributes,
        }
        if verb not in verbs:
            raise _Refused(Refusal(400, "UnsupportedOperation", "UnsupportedOperation", verb))
        return verbs[verb](body)

    def _receive(self, body: bytes) -> Answer:
        asked = _Receive.model_validate_json(body)
        name, end = _name(asked), time.monotonic() + asked.WaitTimeSeconds
        gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", bool)
        faults, told_s = self.faults.faults.receipts, asked.VisibilityTimeout
        hidden_s = faults.hidden_s if told_s is None else float(told_s)
        if self.faults.happens(faults.reappear):
            hidden_s = 0.0  # as when one of SQS's servers missed who has them
        receive = partial(
            self.queues.receive, name, most=asked.MaxNumberOfMessages, hidden_s=hidden_s
        )
        found = receive()
        while not found and (left := end - time.monotonic()) > 0 and not gone():
            self.queues.wait(left)
            found = receive()
        return {"Messages": [_message(one) for one in found]} if found else {}

    def _delete(self, body: bytes) -> Answer:
        asked = _Delete.model_validate_json(body)
        self.queues.delete(_name(asked), asked.ReceiptHandle)
        return {}

    def _delete_batch(self, body: bytes) -> Answer:
        asked = _DeleteBatch.model_validate_json(body)
        name, ids = _name(asked), [one.Id for one in asked.Entries]
        if not 0 < len(ids) <= MOST or len(set(ids)) < len(ids):
            raise _Refused(_wrong("Entries"))
        self.queues.delete(name, *(one.ReceiptHandle for one in asked.Entries))
        return {"Successful": [{"Id": one} for one in ids], "Failed": []}

    def _send(self, body: bytes) -> Answer:
        asked = _Send.model_validate_json(body)
        if _name(asked) != NAME:
            raise _Refused(_NO_QUEUE)
        [id_] = self.queues.put(asked.MessageBody)
        return {"MessageId": id_, "MD5OfMessageBody": _md5(asked.MessageBody)}

    def _attributes(self, body: bytes) -> Answer:
        name = _name(_OfQueue.model_validate_json(body))
        visible, hidden = self.queues.numbers(name)
        told = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": hidden,
            "ApproximateNumberOfMessagesDelayed": 0,
            "QueueArn": _arn(name),
            "VisibilityTimeout": int(self.faults.faults.receipts.hidden_s),
        }
        if name == NAME:
            policy = {"deadLetterTargetArn": _arn(DEAD), "maxReceiveCount": MOST_RECEIVED}
            told["RedrivePolicy"] = json.dumps(policy)
        return {"Attributes": {key: str(value) for key, value in told.items()}}


def blueprint(queues: Queues, faults: FaultBook) -> Blueprint:
    """SQS's one route; clients of other makes call the queue's own address."""
    routes = Blueprint("sqs", __name__)
    counter = Sqs(queues, faults)
    refusals: dict[str, Callable[[], Response]] = {
        name: partial(_refusal, refusal) for name, refusal in REFUSALS.items()
    }

    @routes.post("/")
    @routes.post(f"/{ACCOUNT}/<_queue>")
    def call(_queue: str = "") -> Response:
        return misbehave(faults.draw(LANE), counter.take, refusals)

    return routes


def _queue_url(body: bytes) -> Answer:
    name = json.loads(body).get("QueueName")
    if name not in (NAME, DEAD):
        raise _Refused(_NO_QUEUE)
    return {"QueueUrl": f"{request.host_url}{ACCOUNT}/{name}"}


def _name(asked: _OfQueue) -> str:
    name = asked.QueueUrl.rpartition("/")[2]
    if name not in (NAME, DEAD):
        raise _Refused(_NO_QUEUE)
    return name


def _message(one: Received) -> Answer:
    return {
        "MessageId": one.id,
        "ReceiptHandle": one.handle,
        "MD5OfBody": _md5(one.body),
        "Body": one.body,
        "Attributes": {
            "ApproximateReceiveCount": str(one.times),
            "SentTimestamp": str(int(one.sent_at * 1000)),
        },
    }


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def _wrong(what: str) -> Refusal:
    return Refusal(400, "InvalidParameterValue", "InvalidParameterValue", f"{what} is not valid")


def _refusal(refusal: Refusal) -> Response:
    kind = f"com.amazonaws.sqs#{refusal.kind}"
    response = _answer(refusal.status, {"__type": kind, "message": refusal.message})
    response.headers["x-amzn-query-error"] = f"{refusal.old_name};Sender"
    return response


def _answer(status: int, body: Answer) -> Response:
    response = Response(json.dumps(body), status=status, mimetype=MEDIA_TYPE)
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response
