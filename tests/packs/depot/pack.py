"""A depot, for tests of automations: stock that runs out, orders of it, a supplier outside."""

from pathlib import Path
from typing import Any

from attenda.api import Deed, Pack, PackTable, tool

STOCK = PackTable("stock", {"id": "text", "count": "integer"})
ORDERS = PackTable("orders", {"id": "text", "item": "text", "count": "integer"})


@tool()
def get_stock(deed: Deed, item: str) -> dict[str, Any]:
    """How much of an item there is."""
    found = deed.rows("stock").find(id=item)
    return found[0] if found else {"id": item, "count": 0}


@tool(writes=True)
def order(deed: Deed, item: str, count: int) -> dict[str, str]:
    """Order more of an item."""
    number = f"B-{deed.key[:8]}"
    deed.rows("orders").add(id=number, item=item, count=count)
    return {"id": number}


PACK = Pack(
    name="depot",
    title={"en": "Depot", "zh-CN": "仓库"},
    folder=Path(__file__).parent,
    tools=(get_stock, order),
    tables=(STOCK, ORDERS),
    samples={"stock": [{"id": "tea", "count": 3}, {"id": "rice", "count": 90}]},
)
