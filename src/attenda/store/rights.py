"""Rights inside the query: which rows a principal may see or change, as a condition in SQL.

Every repository that reads rows of people goes through here, so no handler can forget it. What a
visitor sees is listed table by table; of a table that is not listed they see nothing.
"""

from collections.abc import Sequence

from sqlalchemy import BindParameter, ColumnElement, Table, and_, bindparam, false, or_

from attenda.core.principal import EVERYONE, Grant, Principal

__all__ = ["changeable", "given", "visible", "visible_sql", "visible_to_staff"]


def visible(table: Table, who: Principal) -> ColumnElement[bool]:
    """Rows of `table` that `who` owns or shares by a team; for a visitor, what is granted."""
    if who.role is None:
        return _granted(table, who.id, who.grant)
    return _owned_or_shared(table, who.id, who.all_teams)


def visible_to_staff(table: Table) -> ColumnElement[bool]:
    """The same for a statement that is made once; `given` has its values for one who has a role."""
    return _owned_or_shared(table, bindparam("who"), bindparam("teams", expanding=True))


def given(who: Principal) -> dict[str, object]:
    """Values of `visible_to_staff`."""
    return {"who": who.id, "teams": who.all_teams}


def _owned_or_shared(
    table: Table,
    who: str | BindParameter[str],
    teams: Sequence[str] | BindParameter[Sequence[str]],
) -> ColumnElement[bool]:
    return or_(table.c.owner_id == who, table.c.team_id.in_(teams))


def _granted(table: Table, visitor_id: str, grant: Grant | None) -> ColumnElement[bool]:
    if grant is not None and table.name == "sessions":
        return and_(table.c.id == grant.session_id, table.c.owner_id == visitor_id)
    if grant is not None and table.name == "agents":
        return and_(table.c.id == grant.agent_id)
    if grant is not None and table.name == "documents":
        opened = table.c.collection_id.in_(sorted(grant.collection_ids))
        return and_(table.c.team_id == EVERYONE, opened)
    return false()


def changeable(table: Table, who: Principal) -> ColumnElement[bool]:
    """Rows that `who` may change: their own, and their teams' for those who may manage them."""
    if who.may("manage_agents"):
        return visible(table, who)
    if who.role is None:
        return visible(table, who) if table.name == "sessions" else false()
    return and_(table.c.owner_id == who.id)


def visible_sql(table: str, who: Principal) -> tuple[str, dict[str, object]]:
    """The same as `visible` for a statement written as text: condition and its values."""
    if who.role is None:
        return _granted_sql(table, who.grant)
    teams = {f"team{number}": team for number, team in enumerate(who.all_teams)}
    names = ", ".join(f":{name}" for name in teams)
    condition = f"({table}.owner_id = :who OR {table}.team_id IN ({names}))"
    return condition, {"who": who.id, **teams}


def _granted_sql(table: str, grant: Grant | None) -> tuple[str, dict[str, object]]:
    if grant is None or table != "documents" or not grant.collection_ids:
        return "1 = 0", {}
    opened = {f"open{number}": id_ for number, id_ in enumerate(sorted(grant.collection_ids))}
    names = ", ".join(f":{name}" for name in opened)
    condition = f"({table}.team_id = :everyone AND {table}.collection_id IN ({names}))"
    return condition, {"everyone": EVERYONE, **opened}
