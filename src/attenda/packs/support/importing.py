"""Files that customer service reads in: of shops, of help desks, mail, a help centre."""

from attenda.api import Importer
from attenda.packs.support.import_help import read_help
from attenda.packs.support.import_mail import read_mail
from attenda.packs.support.import_orders import read_customers, read_orders
from attenda.packs.support.import_shops import read_shopify, read_woocommerce
from attenda.packs.support.import_tickets import read_chatwoot, read_freshdesk, read_zendesk

__all__ = ["IMPORTERS"]

_JSON = (".json", ".jsonl", ".ndjson")

IMPORTERS = (
    Importer(
        "customers",
        {"en": "Customers (CSV or JSON)", "zh-CN": "客户（CSV 或 JSON）"},
        (".csv", ".json"),
        read_customers,
    ),
    Importer(
        "orders",
        {"en": "Orders with their items (CSV or JSON)", "zh-CN": "订单及商品（CSV 或 JSON）"},
        (".csv", ".json"),
        read_orders,
    ),
    Importer(
        "shopify",
        {"en": "Orders exported by Shopify (CSV)", "zh-CN": "Shopify 导出的订单（CSV）"},
        (".csv",),
        read_shopify,
    ),
    Importer(
        "woocommerce",
        {"en": "Orders of WooCommerce (JSON)", "zh-CN": "WooCommerce 订单（JSON）"},
        _JSON,
        read_woocommerce,
    ),
    Importer(
        "zendesk",
        {"en": "Tickets of Zendesk (JSON)", "zh-CN": "Zendesk 工单（JSON）"},
        _JSON,
        read_zendesk,
    ),
    Importer(
        "freshdesk",
        {"en": "Tickets of Freshdesk (JSON)", "zh-CN": "Freshdesk 工单（JSON）"},
        _JSON,
        read_freshdesk,
    ),
    Importer(
        "chatwoot",
        {"en": "Conversations of Chatwoot (JSON)", "zh-CN": "Chatwoot 对话（JSON）"},
        _JSON,
        read_chatwoot,
    ),
    Importer(
        "mail",
        {"en": "Mails (.eml) and mailboxes (mbox)", "zh-CN": "邮件（.eml）和邮箱（mbox）"},
        (".eml", ".mbox"),
        read_mail,
    ),
    Importer(
        "help_centre",
        {
            "en": "Help centre (Markdown, HTML, or a zip)",
            "zh-CN": "帮助中心（Markdown、HTML、zip）",
        },
        (".zip", ".md", ".html", ".htm", ".txt"),
        read_help,
    ),
)
