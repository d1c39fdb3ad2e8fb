"""OSDI's documents, in HAL: the entry point, cases as campaigns and petitions, what was recorded.

In: the catalogue's cases and stored actions.  Out: models that write themselves with OSDI's names.
Nothing that a supporter wrote goes out again.  Sources: https://github.com/opensupporter/osdi-docs,
aep.md, advocacy_campaigns.md, petitions.md, outreaches.md; HAL: draft-kelly-json-hal-08.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.models import Status
from services.intake.osdi import CHANNELS, title_of, type_of
from shared.catalogue import Case, Catalogue

ENTRY = "/osdi/v1/"
CAMPAIGNS = "/osdi/v1/advocacy_campaigns"
PETITIONS = "/osdi/v1/petitions"

_TYPES = {str(channel): name for name, channel in CHANNELS.items()}


class HalLink(BaseModel):
    href: str


class HalCurie(BaseModel):
    """Where a link's meaning is told."""

    name: str
    href: str
    templated: bool = True


class EntryLinks(BaseModel):
    curies: list[HalCurie]
    self: HalLink
    advocacy_campaigns: HalLink = Field(serialization_alias="osdi:advocacy_campaigns")
    petitions: HalLink = Field(serialization_alias="osdi:petitions")


class OsdiEntry(BaseModel):
    """The entry point: everything else is found by its links."""

    motd: str
    max_pagesize: int
    links: EntryLinks = Field(serialization_alias="_links")


class CampaignTarget(BaseModel):
    title: str = Field(description="Send it as a target's `title`")


class CampaignLinks(BaseModel):
    curies: list[HalCurie]
    self: HalLink
    record_outreach_helper: HalLink = Field(serialization_alias="osdi:record_outreach_helper")


class AdvocacyCampaign(BaseModel):
    """A case that may be written for."""

    identifiers: list[str]
    origin_system: str
    name: str
    title: str
    summary: str
    description: str
    type: str | None = Field(description="Of outreaches that do not name one")
    targets: str = Field(description="For people")
    target_list: list[CampaignTarget]
    links: CampaignLinks = Field(serialization_alias="_links")


class PetitionTarget(BaseModel):
    name: str


class PetitionLinks(BaseModel):
    curies: list[HalCurie]
    self: HalLink
    record_signature_helper: HalLink = Field(serialization_alias="osdi:record_signature_helper")


class Petition(BaseModel):
    """A case whose petition may be signed."""

    identifiers: list[str]
    origin_system: str
    name: str
    title: str
    summary: str
    petition_text: str
    target: list[PetitionTarget]
    links: PetitionLinks = Field(serialization_alias="_links")


class _OnePage(BaseModel):
    """All there are: no campaign has so many cases that a second page is needed."""

    total_pages: int = 1
    page: int = 1
    per_page: int
    total_records: int


class CollectionLinks(BaseModel):
    curies: list[HalCurie]
    self: HalLink


class EmbeddedCampaigns(BaseModel):
    advocacy_campaigns: list[AdvocacyCampaign] = Field(
        serialization_alias="osdi:advocacy_campaigns"
    )


class AdvocacyCampaigns(_OnePage):
    links: CollectionLinks = Field(serialization_alias="_links")
    embedded: EmbeddedCampaigns = Field(serialization_alias="_embedded")


class EmbeddedPetitions(BaseModel):
    petitions: list[Petition] = Field(serialization_alias="osdi:petitions")


class Petitions(_OnePage):
    links: CollectionLinks = Field(serialization_alias="_links")
    embedded: EmbeddedPetitions = Field(serialization_alias="_embedded")


class RecordedLinks(BaseModel):
    curies: list[HalCurie]
    self: HalLink
    timeline: HalLink = Field(
        serialization_alias="writ:get_timeline", description="What became of it"
    )


class _Recorded(BaseModel):
    identifiers: list[str] = Field(description="Ours, `writ:…`, and the first of yours")
    created_date: dt.datetime
    modified_date: dt.datetime
    action_date: dt.datetime
    status: Status = Field(
        serialization_alias="writ:status", description="As `POST /v1/actions` tells it"
    )
    duplicate_of: UUID | None = Field(serialization_alias="writ:duplicate_of")
    supporter_ref: str = Field(serialization_alias="writ:supporter_ref")
    links: RecordedLinks = Field(serialization_alias="_links")


class Outreach(_Recorded):
    """An outreach that is stored for good, without what the supporter said."""

    type: str
    targets: list[CampaignTarget] = Field(description="Whom it goes to, of those you named")


class Signature(_Recorded):
    """A signature that is stored for good."""


@dataclass(frozen=True, slots=True)
class Library:
    """Writes documents whose links work for whoever reaches intake at `url`."""

    url: str
    catalogue: Catalogue

    def entry(self) -> OsdiEntry:
        return OsdiEntry(
            motd="Writ delivers what you record here: the letters and emails to their recipients.",
            max_pagesize=max(1, len(self.catalogue.cases)),
            links=EntryLinks(
                curies=self._curies("osdi"),
                self=self._link(ENTRY),
                advocacy_campaigns=self._link(CAMPAIGNS),
                petitions=self._link(PETITIONS),
            ),
        )

    def campaign(self, case: Case) -> AdvocacyCampaign:
        here = f"{CAMPAIGNS}/{case.slug}"
        known = (*case.authorities, *case.solidarity)
        titles = [title_of(slug, case, self.catalogue) for slug in known]
        return AdvocacyCampaign(
            **self._case(case),
            description=case.ask,
            type=type_of(case),
            targets=", ".join(titles),
            target_list=[CampaignTarget(title=title) for title in titles],
            links=CampaignLinks(
                curies=self._curies("osdi"),
                self=self._link(here),
                record_outreach_helper=self._link(f"{here}/record_outreach_helper"),
            ),
        )

    def petition(self, case: Case) -> Petition:
        here = f"{PETITIONS}/{case.slug}"
        titles = [title_of(slug, case, self.catalogue) for slug in case.authorities]
        return Petition(
            **self._case(case),
            petition_text=case.ask,
            target=[PetitionTarget(name=title) for title in titles],
            links=PetitionLinks(
                curies=self._curies("osdi"),
                self=self._link(here),
                record_signature_helper=self._link(f"{here}/record_signature_helper"),
            ),
        )

    def campaigns(self, cases: list[Case]) -> AdvocacyCampaigns:
        found = [self.campaign(case) for case in cases]
        return AdvocacyCampaigns(
            per_page=max(1, len(found)),
            total_records=len(found),
            links=CollectionLinks(curies=self._curies("osdi"), self=self._link(CAMPAIGNS)),
            embedded=EmbeddedCampaigns(advocacy_campaigns=found),
        )

    def petitions(self, cases: list[Case]) -> Petitions:
        found = [self.petition(case) for case in cases]
        return Petitions(
            per_page=max(1, len(found)),
            total_records=len(found),
            links=CollectionLinks(curies=self._curies("osdi"), self=self._link(PETITIONS)),
            embedded=EmbeddedPetitions(petitions=found),
        )

    def outreach(self, row: Mapping[str, Any], told: Mapping[str, Any], timeline: str) -> Outreach:
        """`row` of `actions`; `told` as told.py words its status."""
        case = self.catalogue.cases[row["case"]]
        titles = [title_of(slug, case, self.catalogue) for slug in row["recipients"]]
        return Outreach(
            **self._recorded(row, told, timeline),
            type=_TYPES.get(row["channel"], row["channel"]),
            targets=[CampaignTarget(title=title) for title in titles],
        )

    def signature(
        self, row: Mapping[str, Any], told: Mapping[str, Any], timeline: str
    ) -> Signature:
        return Signature(**self._recorded(row, told, timeline))

    def _case(self, case: Case) -> dict[str, Any]:
        return {
            "identifiers": [f"writ:{case.slug}"],
            "origin_system": "Writ",
            "name": case.name,
            "title": case.name,
            "summary": case.summary,
        }

    def _recorded(
        self, row: Mapping[str, Any], told: Mapping[str, Any], timeline: str
    ) -> dict[str, Any]:
        own = [row["reference"]] if row["reference"] else []
        return {
            "identifiers": [f"writ:{row['id']}", *own],
            "created_date": row["accepted_at"],
            "modified_date": row["accepted_at"],
            "action_date": row["occurred_at"],
            "supporter_ref": row["supporter_ref"],
            "links": RecordedLinks(
                curies=self._curies("osdi", "writ"),
                self=self._link(f"/v1/actions/{row['id']}"),
                timeline=self._link(timeline),
            ),
            **told,
        }

    def _curies(self, *names: str) -> list[HalCurie]:
        return [HalCurie(name=name, href=f"{self.url}/docs#{{rel}}") for name in names]

    def _link(self, path: str) -> HalLink:
        return HalLink(href=path if path.startswith("http") else self.url + path)
