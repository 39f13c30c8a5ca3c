"""Rights inside the query: which rows a principal may see or change, as a condition in SQL.

Every repository that reads rows of people goes through here, so no handler can forget it.
"""

from sqlalchemy import ColumnElement, Table, and_, or_

from attenda.core.principal import Principal

__all__ = ["changeable", "visible", "visible_sql"]


def visible(table: Table, who: Principal) -> ColumnElement[bool]:
    """Rows of `table` that `who` owns or shares by a team."""
    return or_(table.c.owner_id == who.id, table.c.team_id.in_(who.all_teams))


def changeable(table: Table, who: Principal) -> ColumnElement[bool]:
    """Rows that `who` may change: their own, and their teams' for those who may manage them."""
    if who.may("manage_agents"):
        return visible(table, who)
    return and_(table.c.owner_id == who.id)


def visible_sql(table: str, who: Principal) -> tuple[str, dict[str, object]]:
    """The same as `visible` for a statement written as text: condition and its values."""
    teams = {f"team{number}": team for number, team in enumerate(who.all_teams)}
    names = ", ".join(f":{name}" for name in teams)
    condition = f"({table}.owner_id = :who OR {table}.team_id IN ({names}))"
    return condition, {"who": who.id, **teams}
