"""Customer service: its tools are those of `shop_tools`, what it keeps stands in `tables`.

When it does what stands in `flows/`, what it may do at all in `policy.toml`, what the shop
promises in `shop_policy.yaml`.
"""

from pathlib import Path

from attenda.api import Pack, SilenceTimes
from attenda.packs.support.drafting import begin_article, write_article
from attenda.packs.support.erasing import erase_customer
from attenda.packs.support.importing import IMPORTERS
from attenda.packs.support.looking import look_first, masked
from attenda.packs.support.pages import ENDPOINTS, PANEL, SCREENS
from attenda.packs.support.samples import samples_on
from attenda.packs.support.shop_policy import sample_policy
from attenda.packs.support.shop_tools import own_tables, payments_of_environment, support_tools
from attenda.packs.support.tables import TABLES
from attenda.packs.support.ticket_tables import SERVICE_TABLES, published

__all__ = ["PACK"]

PACK = Pack(
    name="support",
    title={"en": "Customer service", "zh-CN": "客户服务"},
    folder=Path(__file__).parent,
    tools=(
        *support_tools(own_tables, sample_policy(), payments_of_environment()),
        begin_article,
        write_article,
        erase_customer,
    ),
    tables=(*TABLES, *SERVICE_TABLES),
    samples=samples_on,
    first=look_first,
    alarms=("urgent",),
    masked=masked,
    screens=SCREENS,
    endpoints=ENDPOINTS,
    importers=IMPORTERS,
    panel=PANEL,
    articles=published,
    asks_rating=True,
    opening=sample_policy().hours,
    silence=SilenceTimes.of("10m", end="12h", mail=SilenceTimes.of("3d", end="14d")),
)
