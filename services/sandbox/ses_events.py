"""Writes what SES publishes about an email, in the envelope and under the signature of SNS.

In: a claimed receipt.  Out: the post for tracking's `/v1/receipts/ses`.
Source of the shapes: "Contents of event notifications" in the SES developer guide; "HTTP/HTTPS
headers" and "Verifying the signatures of messages" in the SNS developer guide.
"""

import json
from dataclasses import dataclass
from typing import Any

from services.sandbox.certificates import Signer
from services.sandbox.fates import EmailStep
from services.sandbox.faults import FaultBook
from services.sandbox.postman import Post
from services.sandbox.ses_email import Email
from services.sandbox.store import Claimed, Receipt, iso

REGION = "eu-central-1"
ACCOUNT = "000000000000"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:writ-ses-events"
SUBJECT = "Amazon SES Email Event Notification"
SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
REMOTE_MTA = "203.0.113.25"
OUR_MTA = f"a7-20.smtp-out.{REGION}.amazonses.com"

Event = dict[str, Any]

# A bounce's type, subtype, enhanced status, and the words of the remote server.
BOUNCES: dict[str, tuple[str, str, str, str]] = {
    EmailStep.BOUNCE: ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    EmailStep.SUPPRESSED: (
        "Permanent",
        "OnAccountSuppressionList",
        "5.1.1",
        "Amazon SES did not send the message to this address because it is on the"
        " suppression list for your account.",
    ),
    EmailStep.MAILBOX_FULL: ("Transient", "MailboxFull", "4.2.2", "smtp; 452 4.2.2 mailbox full"),
    EmailStep.AUTO_REPLY: ("Transient", "General", "", ""),
}


@dataclass(frozen=True, slots=True)
class SnsWriter:
    """Writes posts as SNS does, with the signature version that the faults ask for."""

    signer: Signer
    faults: FaultBook

    def write(self, claimed: Claimed) -> Post:
        """The signed post of one receipt; every try of the same receipt gives the same bytes."""
        version = self.faults.faults.receipts.signature_version
        envelope = {
            "Type": "Notification",
            "MessageId": claimed.receipt.event_id,
            "TopicArn": TOPIC_ARN,
            "Subject": SUBJECT,
            # SES ends its messages with a newline, and so the signed text has it too.
            "Message": json.dumps(event(claimed)) + "\n",
            "Timestamp": iso(claimed.receipt.occurred_at),
            "SignatureVersion": version,
        }
        signed = "".join(f"{key}\n{envelope[key]}\n" for key in SIGNED)
        host = f"https://sns.{REGION}.amazonaws.com"
        envelope["Signature"] = self.signer.sign(signed, version)
        envelope["SigningCertURL"] = f"{host}/SimpleNotificationService-{self.signer.name}.pem"
        envelope["UnsubscribeURL"] = f"{host}/?Action=Unsubscribe&SubscriptionArn={TOPIC_ARN}:1"
        headers = {
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": claimed.receipt.event_id,
            "x-amz-sns-topic-arn": TOPIC_ARN,
            "x-amz-sns-subscription-arn": f"{TOPIC_ARN}:1",
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
        }
        return Post(headers, json.dumps(envelope).encode())


def event(claimed: Claimed) -> Event:
    """The JSON object that SES publishes for one receipt."""
    email = Email.model_validate_json(claimed.about.facts)
    receipt = claimed.receipt
    name, key, part = _part(receipt)
    mail = _mail(claimed, email)
    if receipt.kind in {EmailStep.DELAY, EmailStep.RENDERING_FAILURE}:  # SES leaves them out
        del mail["headers"], mail["commonHeaders"], mail["headersTruncated"]
    if receipt.kind == EmailStep.DELIVERY:
        mail["tags"]["ses:outgoing-ip"] = ["192.0.2.10"]
        part["processingTimeMillis"] = int((receipt.occurred_at - claimed.about.accepted_at) * 1000)
    return {"eventType": name, "mail": mail, key: part}


def _mail(claimed: Claimed, email: Email) -> Event:
    message_id = claimed.about.id
    headers = [{"name": name, "value": value} for name, value in email.headers]
    common: Event = {
        "from": [email.source],
        "replyTo": email.reply_to,
        "to": email.to,
        "cc": email.cc,
        "messageId": message_id,
        "subject": email.subject,
    }
    domain = email.source.rpartition("@")[2].rstrip(">")
    tags = {
        "ses:operation": ["SendEmail"],
        "ses:source-ip": ["192.0.2.1"],
        "ses:from-domain": [domain],
        "ses:caller-identity": ["writ"],
        **({"ses:configuration-set": [email.configuration_set]} if email.configuration_set else {}),
        **{name: [value] for name, value in email.tags.items()},
    }
    return {
        "timestamp": iso(claimed.about.accepted_at),
        "source": email.source,
        "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{domain}",
        "sendingAccountId": ACCOUNT,
        "messageId": message_id,
        "destination": email.destination,
        "headersTruncated": False,
        "headers": headers,
        "commonHeaders": {key: value for key, value in common.items() if value},
        "tags": tags,
    }


def _part(receipt: Receipt) -> tuple[str, str, Event]:
    """The event's type, the key of its own part, and that part."""
    if receipt.kind in BOUNCES:
        return "Bounce", "bounce", _bounce(receipt)
    return {
        EmailStep.SEND: _send,
        EmailStep.DELIVERY: _delivery,
        EmailStep.DELAY: _delay,
        EmailStep.COMPLAINT: _complaint,
        EmailStep.REJECT: _reject,
        EmailStep.RENDERING_FAILURE: _failure,
    }[EmailStep(receipt.kind)](receipt)


def _send(_: Receipt) -> tuple[str, str, Event]:
    return "Send", "send", {}


def _reject(_: Receipt) -> tuple[str, str, Event]:
    return "Reject", "reject", {"reason": "Bad content"}


def _failure(_: Receipt) -> tuple[str, str, Event]:
    told = {"templateName": "inline", "errorMessage": "An attribute is not present in the data."}
    return "Rendering Failure", "failure", told


def _delivery(receipt: Receipt) -> tuple[str, str, Event]:
    return (
        "Delivery",
        "delivery",
        {
            "timestamp": iso(receipt.occurred_at),
            "recipients": [receipt.recipient],
            "smtpResponse": "250 2.0.0 OK",
            "reportingMTA": OUR_MTA,
        },
    )


def _delay(receipt: Receipt) -> tuple[str, str, Event]:
    delayed = {
        "emailAddress": receipt.recipient,
        "status": "4.4.1",
        "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
    }
    return (
        "DeliveryDelay",
        "deliveryDelay",
        {
            "timestamp": iso(receipt.occurred_at),
            "delayType": "TransientCommunicationFailure",
            "expirationTime": iso(receipt.occurred_at + 14 * 3600),
            "delayedRecipients": [delayed],
            "reportingMTA": OUR_MTA,
        },
    )


def _complaint(receipt: Receipt) -> tuple[str, str, Event]:
    return (
        "Complaint",
        "complaint",
        {
            "complainedRecipients": [{"emailAddress": receipt.recipient}],
            "timestamp": iso(receipt.occurred_at),
            "feedbackId": f"{receipt.event_id}-000000",
            "complaintSubType": None,
            "complaintFeedbackType": "abuse",
            "userAgent": "Amazon SES Mailbox Simulator",
            "arrivalDate": iso(receipt.occurred_at),
        },
    )


def _bounce(receipt: Receipt) -> Event:
    kind, subtype, status, words = BOUNCES[receipt.kind]
    bounced: Event = {"emailAddress": receipt.recipient}
    if status:  # an auto-reply comes back without any of these
        bounced |= {"action": "failed", "status": status, "diagnosticCode": words}
    return {
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [bounced],
        "timestamp": iso(receipt.occurred_at),
        "feedbackId": f"{receipt.event_id}-000000",
        "remoteMtaIp": REMOTE_MTA,
        "reportingMTA": f"dns; {OUR_MTA}",
    }
