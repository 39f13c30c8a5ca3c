"""What somebody does on a pack's screens in a scenario: a tool or an endpoint, as the page asks it.

The row that it is about is looked for in the pack's tables, since numbers are made as they are
needed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from attenda.core.errors import NotFound, UserError
from attenda.core.principal import Principal
from attenda.runtime.house import House
from attenda.runtime.pack_face import Asked, fitting

__all__ = ["OnScreen", "RowMeant", "do_on_screen"]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RowMeant(_Written):
    """The one row of a table that has these values."""

    table: str
    where: dict[str, str] = Field(min_length=1)


class OnScreen(_Written):
    """A form of a pack's screen, filled in and sent."""

    by: str
    tool: str = ""
    endpoint: str = ""
    """Instead of a tool: the path of an endpoint that takes forms (`POST`)."""
    row: RowMeant | None = None
    """Its key stands for `{row}` in the path and in the fields."""
    fields: dict[str, str] = Field(default_factory=dict, alias="with")
    comes_to: Literal["done", "waiting", "unknown", "refused"] = "done"

    @model_validator(mode="after")
    def _one_way(self) -> "OnScreen":
        if bool(self.tool) == bool(self.endpoint):
            raise ValueError("give either tool or endpoint")
        return self


async def do_on_screen(house: House, pack: str, who: Principal, turn: OnScreen, once: str) -> str:
    """Send a form; what it came to.

    Raises:
        NotFound: there is no such row, or more than one, or no such endpoint.
    """
    executor, now = house.packs[pack].executor, house.stamps.now()
    asked = Asked(who, who.language, now, {}, executor, house.database, trust="operator", pack=pack)
    key = await _key(asked, turn.row) if turn.row else ""
    fields: dict[str, JsonValue] = {
        name: value.replace("{row}", key) for name, value in turn.fields.items()
    }
    try:
        if turn.tool:
            outcome = await asked.do(turn.tool, fields, once)
            return {"denied": "refused", "failed": "refused"}.get(outcome.state, outcome.state)
        path = turn.endpoint.replace("{row}", key)
        return await _posted(house, pack, replace(asked, body={**fields, "once": once}), path)
    except UserError:
        return "refused"


async def _key(asked: Asked, meant: RowMeant) -> str:
    def look(rows: Any) -> list[Mapping[str, Any]]:
        return list(rows(meant.table).find(**meant.where))

    found = await asked.read(look)
    if len(found) != 1:
        raise NotFound("pack.no_row", table=meant.table, row=meant.where)
    return str(next(iter(found[0].values())))


async def _posted(house: House, pack: str, asked: Asked, path: str) -> str:
    for one in house.packs[pack].pack.endpoints:
        parts = fitting(path, one.path)
        if parts is not None and one.method == "POST" and asked.who.may(one.needs):
            answer = await one.answer(replace(asked, values=parts, trust="user"))
            return str(answer.get("state", "done")) if isinstance(answer, dict) else "done"
    raise NotFound("request.no_page")
