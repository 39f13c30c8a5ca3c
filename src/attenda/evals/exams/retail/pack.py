"""The retail shop as a pack: an agent whose model chooses tools, over the benchmark's own data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attenda.api import Pack
from attenda.evals.exams.retail import caller, changing, looking
from attenda.evals.exams.retail.tables import TABLES

__all__ = ["retail_pack"]


def retail_pack(samples: Mapping[str, Sequence[Mapping[str, Any]]]) -> Pack:
    """The shop with these rows by table."""
    return Pack(
        name="retail",
        title={"en": "Shop", "zh-CN": "商店"},
        folder=Path(__file__).parent,
        mode="loop",
        tools=(
            caller.find_user_id_by_email,
            caller.find_user_id_by_name_zip,
            looking.get_user_details,
            looking.get_order_details,
            looking.get_product_details,
            looking.get_item_details,
            looking.list_all_product_types,
            looking.calculate,
            changing.cancel_pending_order,
            changing.modify_pending_order_address,
            changing.modify_pending_order_items,
            changing.modify_pending_order_payment,
            changing.modify_user_address,
            changing.return_delivered_order_items,
            changing.exchange_delivered_order_items,
        ),
        tables=TABLES,
        samples=samples,
    )
