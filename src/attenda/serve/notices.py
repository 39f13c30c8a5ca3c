"""Notices over HTTP: whom to tell when somebody waits at the desk, and how many wait now."""

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from attenda.core.errors import UserError
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.knowledge.address import parse_address
from attenda.runtime.house import House
from attenda.runtime.noticing import Noticer
from attenda.runtime.notifiers import new_secret
from attenda.serve.gate import house_of, require
from attenda.store import desk, notices
from attenda.store.notices import Notice

__all__ = ["router"]

router = APIRouter(prefix="/api/desk", tags=["desk"])
Staff = Annotated[Principal, Depends(require("desk"))]
Head = Annotated[Principal, Depends(require("manage_agents"))]
_MAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")


class Rule(BaseModel):
    """Whom to tell."""

    kind: Literal["mail", "webhook"]
    target: str = Field(max_length=2000)
    """An e-mail address, or a web address."""
    after_s: int = Field(default=0, ge=0, le=7 * 86_400)
    """Only of who waits so long."""


@router.get("/waiting")
async def waiting(request: Request, who: Staff) -> dict[str, int]:
    """How many wait for somebody to take them."""
    found = await house_of(request).database.read(lambda c: desk.count_queued(c, who))
    return {"waiting": found}


@router.get("/notices")
async def list_(request: Request, who: Head) -> dict[str, Any]:
    """My rules with what became of the last notice, and the ways that this installation has."""
    house = house_of(request)
    rows = await house.database.read(lambda c: notices.list_rules(c, who))
    return {
        "ways": sorted(house.notifiers),
        "rules": [{**row, "last": _worded(row["last"], who.language)} for row in rows],
    }


@router.post("/notices", status_code=201)
async def add(request: Request, who: Head, body: Rule) -> dict[str, str]:
    """Tell somebody from now on; the secret that a webhook is signed with is shown this once."""
    house, target = house_of(request), body.target.strip()
    _check(house, body.kind, target)
    secret = new_secret() if body.kind == "webhook" else ""
    rest = {"after_s": body.after_s, "secret": secret}
    id_ = await house.database.write(
        lambda c: notices.add_rule(c, house.stamps, who, kind=body.kind, target=target, **rest)
    )
    return {"id": id_, "secret": secret}


@router.delete("/notices/{rule_id}", status_code=204)
async def remove(request: Request, who: Head, rule_id: str) -> None:
    """Tell them no more."""
    house = house_of(request)
    await house.database.write(lambda c: notices.remove_rule(c, house.stamps, who, rule_id))


@router.post("/notices/{rule_id}/trial")
async def trial(request: Request, who: Head, rule_id: str) -> dict[str, str]:
    """Send a notice of nobody, to see whether it arrives; what went wrong, or nothing."""
    house = house_of(request)
    rule = await house.database.read(lambda c: notices.get_rule(c, who, rule_id))
    notice = Notice(
        id=house.stamps.new_id("ntc"),
        kind=rule["kind"],
        target=rule["target"],
        secret=rule["secret"],
        session_id="",
        agent=sentence(who.language, "notice.trial"),
        waits_since=house.stamps.now(),
        attempts=1,
        language=who.language,
    )
    problem = await Noticer(house).send(notice)
    return {"problem": _said(problem, who.language)}


def _check(house: House, kind: str, target: str) -> None:
    """Refuse what nothing could be sent to.

    Raises:
        UserError: this installation has no such way, or the address is none.
    """
    if kind not in house.notifiers:
        raise UserError("notice.no_mail")
    if kind == "webhook":
        parse_address(target, frozenset(house.settings.web_ports))
    elif not _MAIL.fullmatch(target):
        raise UserError("notice.address", target=target)


def _worded(last: dict[str, Any] | None, language: str) -> dict[str, Any] | None:
    return last and {**last, "problem": _said(last["problem"], language)}


def _said(problem: dict[str, Any] | None, language: str) -> str:
    return sentence(language, problem["key"], **problem["values"]) if problem else ""
