"""What may be looked up once it is known who asks: their profile, their orders, the products."""

import ast
import operator
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from typing import Any

from attenda.api import Deed, tool
from attenda.evals.exams.retail.caller import caller, refused
from attenda.evals.exams.retail.tables import order_of, user_of, variant_of

__all__ = [
    "calculate",
    "get_item_details",
    "get_order_details",
    "get_product_details",
    "get_user_details",
    "list_all_product_types",
    "own_order",
    "parts_of",
    "shown",
    "shown_order",
    "shown_user",
]

_SUMS: dict[type, Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_LONGEST_SUM = 200


def own_order(deed: Deed, order_id: str) -> dict[str, Any]:
    """The row of an order of the caller; of others it is not even said that they are there.

    Raises:
        ToolRefused: nobody was found yet, or they have no such order.
    """
    found = deed.rows("orders").find(id=order_id, user_id=caller(deed))
    if not found:
        raise refused(deed, "no_order", order=order_id)
    return found[0]


def parts_of(deed: Deed, table: str, **owner: str) -> list[dict[str, Any]]:
    """Rows that belong to an order or a user, in their places."""
    return sorted(deed.rows(table).find(**owner), key=lambda row: row["place"])


def shown_order(deed: Deed, order_id: str) -> dict[str, Any]:
    """An order as the benchmark writes it, amounts as text."""
    items, payments = (
        parts_of(deed, table, order_id=order_id) for table in ("order_items", "payments")
    )
    return dict(shown(order_of(deed.rows("orders").get(order_id), items, payments)))


def shown_user(deed: Deed, user_id: str) -> dict[str, Any]:
    """A user as the benchmark writes them, amounts as text."""
    methods, orders = (
        parts_of(deed, table, user_id=user_id) for table in ("payment_methods", "orders")
    )
    return dict(shown(user_of(deed.rows("users").get(user_id), methods, orders)))


def shown(value: Any) -> Any:
    """A value with its amounts as text."""
    if isinstance(value, dict):
        return {name: shown(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shown(one) for one in value]
    return str(value) if isinstance(value, Decimal) else value


@tool()
def get_user_details(deed: Deed, user_id: str) -> dict[str, Any]:
    """The profile of the user: name, address, payment methods, ids of orders."""
    if user_id != caller(deed):
        raise refused(deed, "another_user")
    return shown_user(deed, user_id)


@tool()
def get_order_details(deed: Deed, order_id: str) -> dict[str, Any]:
    """Status and details of an order of the user; ids begin with '#', as in '#W0000000'."""
    own_order(deed, order_id)
    return shown_order(deed, order_id)


@tool()
def get_product_details(deed: Deed, product_id: str) -> dict[str, Any]:
    """A product with all its items: their options, prices, and whether they can be had."""
    caller(deed)
    found = deed.rows("products").find(id=product_id)
    if not found:
        raise refused(deed, "no_product", product=product_id)
    variants = deed.rows("variants").find(product_id=product_id)
    inside = {one["id"]: shown(variant_of(one)) for one in variants}
    return {"name": found[0]["name"], "product_id": product_id, "variants": inside}


@tool()
def get_item_details(deed: Deed, item_id: str) -> dict[str, Any]:
    """One item: its options, its price, and whether it can be had."""
    caller(deed)
    found = deed.rows("variants").find(id=item_id)
    if not found:
        raise refused(deed, "no_item", item=item_id)
    return dict(shown(variant_of(found[0])))


@tool()
def list_all_product_types(deed: Deed) -> dict[str, str]:
    """Names of all products with their ids."""
    caller(deed)
    return dict(sorted((one["name"], one["id"]) for one in deed.rows("products").find()))


@tool()
def calculate(deed: Deed, expression: str) -> str:
    """A sum such as '2 + 2 * (3 - 1)', to the cent."""
    try:
        if len(expression) > _LONGEST_SUM:
            raise ValueError(expression)
        value = _reckoned(ast.parse(expression.strip(), mode="eval").body)
        return str(value.quantize(Decimal("0.01"), ROUND_HALF_EVEN))
    except (SyntaxError, ValueError, DecimalException) as error:
        raise refused(deed, "no_sum", expression=expression[:_LONGEST_SUM]) from error


def _reckoned(part: ast.expr) -> Decimal:
    """The value of a sum, exactly.

    Raises:
        ValueError: something else than numbers, + - * / and brackets stands in it.
        DecimalException: it has no value.
    """
    match part:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return Decimal(str(value))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_reckoned(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _reckoned(inner)
        case ast.BinOp(left=left, op=how, right=right) if type(how) in _SUMS:
            return _SUMS[type(how)](_reckoned(left), _reckoned(right))
    raise ValueError(ast.dump(part))
