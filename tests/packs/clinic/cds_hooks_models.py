"""What the specification of CDS Hooks (2.0, and what 3.0 keeps of it) allows, as strict models.

What it does not name is refused; codings and resources are held by the models of FHIR R4.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = ["HookResponse", "Services", "of_fhir"]

Said = Annotated[str, Field(min_length=1)]


def of_fhir(written: dict[str, Any], kind: str = "") -> dict[str, Any]:
    """A resource, or a value of a kind, that the model of FHIR R4 takes."""
    models = pytest.importorskip("fhir.resources.R4B")
    models.get_fhir_model_class(kind or written["resourceType"]).model_validate(written)
    return written


Coding = Annotated[dict[str, Any], AfterValidator(lambda written: of_fhir(written, "Coding"))]
Resource = Annotated[dict[str, Any], AfterValidator(of_fhir)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Action(_Strict):
    """A thing that an accepted suggestion does to the record."""

    type: Literal["create", "update", "delete"]
    description: Said
    resource: Resource | None = None
    resourceId: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}$")] | None = None

    @model_validator(mode="after")
    def _has_what_it_acts_on(self) -> Self:
        named, given = self.resourceId is not None, self.resource is not None
        assert (named, given) == (self.type == "delete", self.type != "delete")
        return self


class Suggestion(_Strict):
    """A choice that a clinician may take."""

    label: Said
    uuid: Annotated[str, AfterValidator(lambda one: str(UUID(one)))]
    isRecommended: bool = False
    actions: list[Action] = Field(default_factory=list)


class Source(_Strict):
    """Whose knowledge a card is."""

    label: Said
    url: Said | None = None
    icon: Said | None = None
    topic: Coding | None = None


class Link(_Strict):
    """A page to open."""

    label: Said
    url: Said
    type: Literal["absolute", "smart"]
    appContext: str | None = None
    autolaunchable: bool | None = None


class Card(_Strict):
    """One thing to know."""

    uuid: Annotated[str, AfterValidator(lambda one: str(UUID(one)))] | None = None
    summary: Annotated[str, Field(min_length=1, max_length=139)]
    detail: str | None = None
    indicator: Literal["info", "warning", "critical"]
    source: Source
    suggestions: list[Suggestion] = Field(default_factory=list)
    selectionBehavior: Literal["at-most-one", "any"] | None = None
    overrideReasons: list[Coding] = Field(default_factory=list)
    links: list[Link] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_how_many_are_taken(self) -> Self:
        assert not self.suggestions or self.selectionBehavior
        assert all({"code", "system", "display"} <= one.keys() for one in self.overrideReasons)
        return self


class HookResponse(_Strict):
    """The answer to a hook."""

    cards: list[Card]
    systemActions: list[Action] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_nothing_twice(self) -> Self:
        ids = [one.uuid for one in self.cards if one.uuid]
        ids += [each.uuid for one in self.cards for each in one.suggestions]
        assert len(ids) == len(set(ids))
        return self


class Service(_Strict):
    """A service as discovery lists it."""

    hook: Literal["patient-view", "order-select", "order-sign"]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")]
    title: Said | None = None
    description: Said
    prefetch: dict[str, Said] = Field(default_factory=dict)
    usageRequirements: Said | None = None


class Services(_Strict):
    """The answer to discovery."""

    services: list[Service]
