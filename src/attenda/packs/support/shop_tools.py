"""The tools of customer service over a shop, its policy and who pays for it.

A shop of one's own takes the place of the sample shop here: `docs/support.md` has an example.
"""

import os

from attenda.api import Deed, Tool, tool
from attenda.packs.support.case_deeds import CaseDesk
from attenda.packs.support.case_news import CaseNews
from attenda.packs.support.casework import Cases
from attenda.packs.support.identity import Counter, OpenShop
from attenda.packs.support.orders import Orders
from attenda.packs.support.payments import Books, Payments, WebPayments
from attenda.packs.support.refunding import Refunds
from attenda.packs.support.shop import Shop
from attenda.packs.support.shop_policy import ShopPolicy, sample_policy
from attenda.packs.support.table_shop import RowShop

__all__ = ["own_tables", "payments_of_environment", "support_tools"]

_ADDRESS = "ATTENDA_SUPPORT_PAYMENTS"
"""In the environment: where the payment provider takes refunds; none is the shop's own books."""
_FOUND = {"order": "operator"}


def own_tables(deed: Deed) -> Shop:
    """The shop in the pack's own tables."""
    return RowShop(deed.rows, sample_policy())


def support_tools(open_shop: OpenShop, policy: ShopPolicy, payments: Payments) -> tuple[Tool, ...]:
    """The tools over a shop, its policy and who pays for it; each decided by the pack's policy."""
    counter = Counter(open_shop, policy)
    orders, refunds, cases = Orders(counter), Refunds(counter, payments), Cases(counter)
    desk, news = CaseDesk(counter), CaseNews(counter)
    money = {**_FOUND, "amount": "operator", "currency": "operator", "of_order": "operator"}
    paid = {"refund": "operator", "amount": "operator", "currency": "operator"}
    case = {"case": "operator"}
    told = {"refund": "system", "state": "system", "payment": "system"}
    return (
        tool(writes=True)(counter.verify_customer),
        tool()(counter.who_is_here),
        tool()(counter.shop_day),
        tool(writes=True)(counter.note_miss),
        tool()(orders.get_order),
        tool()(orders.list_orders),
        tool()(orders.find_items),
        tool()(orders.invoice),
        tool()(orders.opening_hours),
        tool()(refunds.quote_refund),
        tool(writes=True, needs=money)(refunds.issue_refund),
        tool(
            writes=True,
            needs=paid,
            sink=frozenset({"payments"}),
            releases=frozenset(paid),
            takes_key=True,
            timeout_s=15.0,
            by_form=False,
            before=refunds.may_pay,
            rehearsed=refunds.would_pay,
        )(refunds.pay_refund),  # fmt: skip
        tool(writes=True, needs={**_FOUND, "refund": "operator"}, by_form=False)(
            refunds.settle_refund
        ),
        tool()(cases.quote_change),
        tool()(cases.quote_address),
        tool(writes=True, needs=_FOUND)(cases.update_order),
        tool()(cases.quote_case),
        tool(writes=True)(cases.open_case),
        tool()(news.list_cases),
        tool(writes=True, needs=case)(desk.take_case),
        tool(writes=True, needs={**case, "to": "system"})(desk.assign_case),
        tool(writes=True, needs={**case, "step": "operator"})(desk.move_case),
        tool(writes=True, needs={**case, "outcome": "operator"})(desk.close_case),
        tool(writes=True, needs={**case, "text": "operator"})(desk.mail_case),
        tool()(desk.quote_return),
        tool(writes=True, needs={**money, **case})(desk.refund_return),
        tool(writes=True, needs={**case, **told})(desk.settle_return),
    )


def payments_of_environment() -> Payments:
    """The provider whose address is set; else the shop's own books."""
    address = os.environ.get(_ADDRESS, "")
    return WebPayments(address) if address else Books()
