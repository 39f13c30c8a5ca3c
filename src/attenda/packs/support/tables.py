"""The tables of customer service: the shop's customers and orders, and what service did for them.

A customer is not a user of this house: whoever talks becomes one by two facts, for one session,
which `conversations` keeps. Refunds and cases hold a business key, so that nothing is given twice.
"""

from attenda.api import PackTable

__all__ = ["TABLES"]

TABLES = (
    PackTable(
        "customers",
        {
            "id": "text",
            "name": "text",
            "email": "text",  # in small letters
            "postcode": "text",
            "address": "text",
            "country": "text",  # ISO 3166, such as PT
            "language": "text",
            "tier": "text",  # standard, vip
            "since": "date",
        },
        unique=(("email",),),
    ),
    PackTable(
        "orders",
        {
            "id": "text",
            "customer_id": "text",
            "status": "text",  # pending, processing, shipped, delivered, returned, cancelled
            "currency": "text",  # ISO 4217
            "total": "amount",  # items alone
            "shipping": "amount",
            "placed_on": "date",
            "due_on": "date",
            "sent_on": "date",
            "delivered_on": "date",
            "carrier": "text",
            "tracking": "text",
            "address": "text",
            "postcode": "text",
            "country": "text",  # where it goes; the customer's where it is empty
            "paid": "flag",  # its money was taken
            "note": "text",  # written by customers and carriers: untrusted
        },
    ),
    PackTable(
        "order_items",
        {
            "id": "text",  # O-1001-1
            "order_id": "text",
            "sku": "text",
            "name": "text",
            "name_zh": "text",
            "category": "text",
            "quantity": "integer",
            "unit_price": "amount",
            "final_sale": "flag",
            "warranty_months": "integer",
            "state": "text",  # as its order's; or refunded, exchanged
        },
    ),
    PackTable(
        "refunds",
        {
            "id": "text",
            "order_id": "text",
            "item_id": "text",  # empty for a whole order
            "item": "text",  # its name, as the customer said or the order has it
            "amount": "amount",
            "currency": "text",
            "kind": "text",  # order, item, part, cancellation
            "state": "text",  # reserved, issued, failed
            "rule": "text",  # of the shop's policy
            "approver": "text",  # `policy`, or who said yes
            "customer_id": "text",
            "session_id": "text",
            "made_at": "time",
            "issued_at": "time",
            "payment": "text",  # reference of the payment provider
            "holds": "text",  # what is given back; nothing twice
        },
        unique=(("holds",),),
        session="session_id",
        redacted=("session_id",),  # that money was given back stays in the books
    ),
    PackTable(
        "cases",
        {
            "id": "text",
            "kind": "text",  # return, exchange, warranty, account, complaint, address, cancellation
            "customer_id": "text",
            "order_id": "text",
            "item_id": "text",
            "text": "text",  # in the customer's words
            "state": "text",  # open, done
            "rule": "text",
            "session_id": "text",
            "opened_at": "time",
            "due_on": "date",  # by when the shop answers
            "holds": "text",
            "assignee": "text",  # id of who of the staff has it
            "step": "text",  # of one with a parcel: label (where nothing stands), awaited, arrived
            "outcome": "text",  # of one that is done, such as answered
            "answer": "text",  # what the customer is told then; of a refund, its amount
            "refund": "text",  # that pays a return back, once it is reserved
            "moved_at": "time",  # when its step, or its end, came
            "history": "json",  # who did what, when
        },
        unique=(("holds",),),
        session="session_id",
        redacted=("text", "session_id", "answer", "history"),
    ),
    PackTable(
        "case_mails",  # that staff wrote from a case; the words stand in the conversation
        {
            "id": "text",
            "case_id": "text",
            "session_id": "text",  # of the mail's conversation
            "message_id": "text",
            "written_by": "text",
            "written_at": "time",
        },
        session="session_id",
        indexes=(("case_id",),),
    ),
    PackTable(
        "conversations",
        {
            "id": "text",  # of the session
            "verified_customer": "text",
            "verified_at": "time",
            "tries": "integer",  # that failed
            "locked_at": "time",
            "tier": "text",
            "email": "text",  # masked: a…@example.test
        },
        session="id",
    ),
    PackTable(
        "security_events",
        {
            "id": "text",
            "at": "time",
            "session_id": "text",
            "user_id": "text",
            "customer_id": "text",
            "kind": "text",  # bad_identity, second_identity, locked, other_customer, unknown_order
            "subject": "text",  # an order or an address, never what is in it
        },
        session="session_id",
        redacted=("session_id", "user_id", "subject"),
    ),
)
