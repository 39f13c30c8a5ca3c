"""The shop's policy as a value, read from `shop_policy.yaml`; which rule is in force on a day."""

import datetime
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from attenda.api import Opening, UserError

__all__ = [
    "Delivery",
    "ShopPolicy",
    "ShopRule",
    "Texts",
    "read_policy",
    "read_yaml",
    "sample_policy",
]

FOLDER = Path(__file__).parent
Texts = dict[str, str]
"""A sentence by language."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Data):
    """Where an article says the same."""

    file: str
    part: Texts


class ShopRule(_Data):
    """One promise, or its limit."""

    id: str
    kind: str
    """What it decides, such as `refund_window`; one rule of a kind is in force on a day."""
    text: Texts
    source: Source
    quote: Texts
    """Words of the article, which are cited."""
    refused: Texts = Field(default_factory=dict)
    """Said where it does not hold."""
    since: datetime.date = Field(alias="from")
    until: datetime.date | None = None
    """Its last day; none is open."""
    days: int | None = None
    """After delivery."""
    statuses: tuple[str, ...] = ()
    """Of the order."""
    excludes_final_sale: bool = False
    working_days: int | None = None
    """In which the shop answers."""


class Identity(_Data):
    """How often somebody may try to say who they are."""

    tries: int
    """In one session."""
    tries_an_address: int
    """For one e-mail address, whoever tries, within `within_hours`."""
    within_hours: int


class Delivery(_Data):
    """What counts as the day of delivery where a shop's data do not say it."""

    days_after_sending: int | None = Field(default=None, ge=0)
    """So many days after it was sent; none, and a person decides."""


class ShopPolicy(_Data):
    """All of it."""

    rules: tuple[ShopRule, ...]
    places: Mapping[str, int]
    identity: Identity
    hours: Opening
    """When people are there, where the desk has no other hours; its `zone` is the shop's."""
    delivery: Delivery = Delivery()

    def rule(self, kind: str, day: datetime.date) -> ShopRule | None:
        """The rule of a kind that is in force on a day; none where there is none.

        Of several the one that came last.
        """
        found = [
            one
            for one in self.rules
            if one.kind == kind and one.since <= day and (one.until is None or day <= one.until)
        ]
        return max(found, key=lambda one: one.since, default=None)


def read_yaml(path: Path) -> Any:
    """A file of the pack as plain values."""
    return yaml.safe_load(path.read_text("utf-8"))


def read_policy(path: Path) -> ShopPolicy:
    """The policy of a file.

    Raises:
        UserError: it is no policy; the sentence says what is wrong in it.
    """
    try:
        return ShopPolicy.model_validate(read_yaml(path))
    except (ValueError, yaml.YAMLError) as error:
        raise UserError("policy.file", file=path.name, problem=error) from error


@functools.cache
def sample_policy() -> ShopPolicy:
    """The policy that comes with the pack."""
    return read_policy(FOLDER / "shop_policy.yaml")
