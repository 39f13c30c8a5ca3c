"""Customer service: what it may do stands here as tools, what it keeps in `tables`.

When it does what stands in `flows/`, what it may do at all in `policy.toml`, what the shop
promises in `shop_policy.yaml`.
"""

from pathlib import Path

from attenda.api import Pack
from attenda.packs.support.samples import samples_on
from attenda.packs.support.tables import TABLES

__all__ = ["PACK"]

PACK = Pack(
    name="support",
    title={"en": "Customer service", "zh-CN": "客户服务"},
    folder=Path(__file__).parent,
    tables=TABLES,
    samples=samples_on,
)
