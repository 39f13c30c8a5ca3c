"""The screens of cases: which wait, whose they are, which are late; one; a return paid back."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from attenda.api import Asked, Endpoint, Outcome, Screen, Tables, UserError
from attenda.packs.support.case_deeds import OUTCOMES, step_of
from attenda.packs.support.phrases import phrase, phrase_or
from attenda.packs.support.profile import moment

__all__ = ["CASE_ENDPOINTS", "CASE_SCREENS"]

_MOST = 200
"""Rows of one list."""
_VIEWS = ("open", "mine", "due", "label", "arrived", "done")
_SOON = datetime.timedelta(days=1)

Row = Mapping[str, Any]


async def cases(asked: Asked) -> Mapping[str, Any]:
    """Cases of one view and perhaps one kind: what is due first, then what has waited longest."""
    view = asked.values.get("view", "open")
    view, kind = view if view in _VIEWS else "open", asked.values.get("kind", "")
    staff, today = await asked.staff(), await _today(asked)

    def look(rows: Tables) -> dict[str, Any]:
        state = "done" if view == "done" else "open"
        every = rows("cases").find(state=state)
        names = {row["id"]: row["name"] or row["email"] for row in rows("customers").find()}
        seen = [one for one in every if _is_in(view, one, asked.who.id, today)]
        chosen = [one for one in seen if kind in ("", one["kind"])]
        return {
            "cases": [_line(one, asked.language, today, staff, names)
                      for one in sorted(chosen, key=_rank)[:_MOST]],
            "count": len(chosen),
            "views": [(one, phrase(asked.language, f"view_{one}")) for one in _VIEWS],
            "view": view,
            "kinds": [(one, phrase(asked.language, f"case_{one}")) for one in OUTCOMES],
            "kind": kind if kind in OUTCOMES else "",
        }  # fmt: skip

    return await asked.read(look)


async def _today(asked: Asked) -> datetime.date:
    """The shop's day, by which its cases are promised, wherever the people behind them are."""
    found = _result(await asked.do("shop_day", {}, ""))
    return datetime.date.fromisoformat(found["day"])


def _is_in(view: str, row: Row, mine: str, today: datetime.date) -> bool:
    """Whether a case is of a view; the done ones are looked up by themselves."""
    if view == "mine":
        return bool(row["assignee"] == mine)
    if view == "due":
        return bool(row["due_on"] and row["due_on"] <= str(today + _SOON))
    return view not in ("label", "arrived") or step_of(row) == view


def _rank(row: Row) -> tuple[bool, str, int]:
    """By day of promise, none last; those that are done by when they were, the newest first."""
    if row["state"] == "done":
        return False, "", -(row["moved_at"] or row["opened_at"] or 0)
    return not row["due_on"], row["due_on"] or "", row["opened_at"] or 0


def _line(
    row: Row,
    language: str,
    today: datetime.date,
    staff: Mapping[str, str],
    names: Mapping[str, str],
) -> dict[str, Any]:
    is_open = row["state"] == "open"
    step = step_of(row)
    key = f"step_{step}_{row['kind']}"
    told = phrase_or(language, key, phrase_or(language, f"step_{step}", ""))
    ended = phrase_or(language, f"outcome_{row['outcome']}", "")
    state = phrase_or(language, f"case_{row['state']}", row["state"])
    return {
        "id": row["id"],
        "kind": phrase_or(language, f"case_{row['kind']}", row["kind"]),
        "state": told or ended or state,
        "order": row["order_id"] or "",
        "customer_id": row["customer_id"] or "",
        "name": names.get(row["customer_id"] or "", ""),
        "text": (row["text"] or "")[:200],
        "opened": moment(row["opened_at"]),
        "due": row["due_on"] or "",
        "late": bool(is_open and row["due_on"] and row["due_on"] < str(today)),
        "assignee": staff.get(row["assignee"] or "", ""),
    }


async def case(asked: Asked) -> Mapping[str, Any]:
    """One case: what it is about, what may be done with it, and what was done."""
    id_, language = asked.values["case"], asked.language
    staff, today = await asked.staff(), await _today(asked)

    def look(rows: Tables) -> tuple[Row, dict[str, Any]]:
        row = rows("cases").get(id_)
        customers = rows("customers").find(id=row["customer_id"] or "-")
        items = rows("order_items").find(id=row["item_id"] or "-")
        name = {one["id"]: one["name"] or one["email"] for one in customers}
        chinese = language == "zh-CN"
        return row, {
            "line": _line(row, language, today, staff, name),
            "customer": customers[0] if customers else None,
            "item": ((chinese and items[0]["name_zh"]) or items[0]["name"]) if items else "",
        }

    row, shown = await asked.read(look)
    known = {**staff, **await asked.names([one["by"] for one in row["history"] or ()])}
    supervises = asked.who.may("manage_agents")
    theirs = row["assignee"] in (None, "", asked.who.id)
    return {
        **shown,
        "case": row,
        "is_open": row["state"] == "open",
        "step": step_of(row),
        "is_mine": row["assignee"] == asked.who.id,
        "may_change": theirs or supervises,
        "people": sorted(staff.items(), key=lambda one: one[1]) if supervises else [],
        "outcomes": [(one, phrase(language, f"outcome_{one}"))
                     for one in OUTCOMES.get(row["kind"], ())],
        "history": _told(row["history"] or (), language, known),
        "quote": await _quote(asked, row),
        "mails_from": await asked.mails_from(),
        "mails": await _mails(asked, id_, known),
    }  # fmt: skip


async def _mails(asked: Asked, case: str, names: Mapping[str, str]) -> list[dict[str, str]]:
    """The mails that were written from a case, the newest first, with what became of each."""
    found = await asked.read(lambda rows: rows("case_mails").find_sorted(
        "-written_at", case_id=case))  # fmt: skip
    states = await asked.mail_states([one["message_id"] for one in found])
    return [
        {"at": moment(one["written_at"]), "by": names.get(one["written_by"], one["written_by"]),
         "session": one["session_id"], "state": states[one["message_id"]],
         "told": phrase(asked.language, f"mail_{states[one['message_id']]}")}
        for one in found if one["message_id"] in states
    ]  # fmt: skip


def _told(history: Sequence[Row], language: str, names: Mapping[str, str]) -> list[dict[str, str]]:
    """What was done with a case, the newest first."""
    told = []
    for one in reversed(history):
        text = names.get(one["text"], one["text"]) if one["did"] == "assigned" else one["text"]
        did = phrase_or(language, f"outcome_{one['did']}", "")
        did = did or phrase(language, f"did_{one['did']}", text=text)
        more = "" if one["did"] in ("assigned", "reserved", "declined") else text
        told.append({"at": moment(one["at"]), "by": names.get(one["by"], one["by"]),
                     "did": did, "text": more})  # fmt: skip
    return told


async def _quote(asked: Asked, row: Row) -> Mapping[str, Any] | None:
    """What a return that has come would be paid back with; none for any other case."""
    if row["kind"] != "return" or step_of(row) != "arrived":
        return None
    outcome = await asked.do("quote_return", {"case": row["id"]}, "")
    if outcome.result is None:
        return {"ok": False, "why": _why(outcome, asked.language), "refund": ""}
    found: Mapping[str, Any] = outcome.result.value  # type: ignore[assignment]
    return found


def _why(outcome: Outcome, language: str) -> str:
    return outcome.problem.text(language) if outcome.problem else ""


async def pay_back(asked: Asked) -> Any:
    """Pay a return back: reserved by the rules and approvals, paid, noted; each once.

    What is left of it is done when it is asked for again: after an approval by who asked for it,
    after a lost answer by anybody.

    Raises:
        UserError: the rules forbid it, or it is no such case.
    """
    id_, part = asked.values["case"], _said(asked, "part")
    ours = replace(asked, trust="system")  # amounts and answers are ours, not the form's
    given = {"case": id_, **({"part": part} if part else {})}
    quote = _result(await ours.do("quote_return", given, ""))
    if not quote["ok"]:
        raise UserError("tool.refused", reason=quote["why"])
    money = {name: quote[name] for name in ("amount", "currency")}
    refund = quote["refund"]
    if not refund:
        wanted = {"case": id_, **money, "of_order": quote["of_order"]}
        made = await ours.do("refund_return", wanted, f"{id_}:{quote['came_at']}", shared=True)
        if made.state in ("waiting", "unknown"):
            return {"state": made.state, "approval_id": made.approval_id}
        refund = _result(made)["refund"]
    paid = await ours.do("pay_refund", {"refund": refund, **money}, refund, shared=True)
    if paid.state == "unknown":
        return {"state": "unknown"}
    done = _result(paid)
    noted = {"case": id_, "refund": refund, "state": done["state"], "payment": done["reference"]}
    return {"state": "done", **_result(await ours.do("settle_return", noted, refund, shared=True))}


async def assign(asked: Asked) -> Any:
    """Give a case to somebody of the desk, or back to nobody.

    Raises:
        UserError: there is no such person, or it is not theirs to do.
    """
    to = _said(asked, "to")
    if to and to not in await asked.staff():
        raise UserError("tool.refused", reason=phrase(asked.language, "case_no_person"))
    ours = replace(asked, trust="system")
    given = {"case": asked.values["case"], "to": to}
    once = _said(asked, "once") or str(asked.now)
    return {"state": "done", **_result(await ours.do("assign_case", given, once))}


def _said(asked: Asked, name: str) -> str:
    body = asked.body if isinstance(asked.body, dict) else {}
    return str(body.get(name) or "").strip()[:200]


def _result(outcome: Outcome) -> Any:
    """What a deed gave.

    Raises:
        UserError: it was not done.
    """
    if outcome.result is None:
        raise outcome.problem or UserError("tool.denied", tool="")
    return outcome.result.value


CASE_SCREENS = (
    Screen("cases", {"en": "Cases", "zh-CN": "服务单"}, "cases.html", cases),
    Screen("cases/{case}", {"en": "Case", "zh-CN": "服务单"}, "case.html", case, listed=False),
)
CASE_ENDPOINTS = (
    Endpoint("POST", "cases/{case}/refund", pay_back),
    Endpoint("POST", "cases/{case}/assign", assign),
)
