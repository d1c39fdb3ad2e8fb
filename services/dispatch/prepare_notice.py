"""Makes an email to a supporter ready to go, as long as somebody waits for the answer.

In: a due delivery with its notice, the catalogue.  Out: `Prepared`.  Raises NotNow.
"""

import datetime as dt

from services.dispatch.due import Due, Hold, Moot, Notice, Prepared, emailed
from services.dispatch.providers.contract import Email
from services.dispatch.rendering.email import write_email
from services.dispatch.rendering.mime import address as named_address
from services.dispatch.rendering.notice import NoticeText, compose_notice
from shared import spoken
from shared.catalogue import Catalogue


def prepare_notice(due: Due, notice: Notice, catalogue: Catalogue, now: dt.datetime) -> Prepared:
    until = notice.accepted_at + spoken.ANSWERED_WITHIN
    if not notice.waits or now >= until:
        raise Moot("It was not needed any more: the question was settled.")
    if due.supporter_email is None:
        raise Moot("It was not needed any more: the supporter's data was erased.")
    campaign, case = catalogue.campaigns.get(due.campaign), catalogue.cases.get(due.case)
    if campaign is None or case is None:
        raise Hold("The campaign or the case is no longer in the catalogue.")
    if case.policy.stopped:
        raise Hold("The case is stopped.")
    told = NoticeText(
        notice=due.kind,
        language=due.language,
        link=notice.link,
        campaign=campaign.name,
        case=case.name,
        kind=notice.kind,
        channel=notice.channel,
        occurred_at=notice.occurred_at,
        until=until,
        reference=str(due.id),
    )
    text = write_email(compose_notice(told), organiser=campaign.sender.name)
    email = Email(
        delivery_id=due.id,
        from_=named_address(campaign.sender.name, campaign.sender.email),
        to=due.supporter_email,
        reply_to=None,
        subject=text.subject,
        text=text.text,
        html=text.html,
    )
    return emailed(due, email, now, holder=None)
