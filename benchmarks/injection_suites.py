"""AgentDojo as tools of ours: which of them write, and what in their results others write.

Of each result only what the service itself fills in counts as its own (ids, times, sums, names of
a catalogue); every field that another person can have written is a stranger's. Reading a web page
tells its owner something, so it is a write.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from attenda.tools.policy import Policy, Rule
from attenda.tools.tool import Deed, Tool

__all__ = ["POLICY", "Contract", "suites", "tools_of"]

VERSION = "v1.2.2"
_NOT_NEEDED = ("anthropic", "cohere", "google", "langchain", "tenacity")
"""Clients of model vendors, which AgentDojo imports and this never calls."""


class _Anything(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing


class _Nothing(metaclass=_Anything):
    def __class_getitem__(cls, item: object) -> Any:
        return cls


class _Empty(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__ == "tenacity":
            return lambda *_args, **_more: lambda function: function
        return type(name, (Exception,), {}) if name.endswith("Error") else _Nothing


class _Stand(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Empty modules for libraries that are not here and not called."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.split(".")[0] in _NOT_NEEDED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        module = _Empty(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def suites() -> dict[str, Any]:
    """The suites of the version."""
    stand = _Stand()
    sys.meta_path.append(stand)
    try:
        from agentdojo.task_suite.load_suites import get_suites
    finally:
        sys.meta_path.remove(stand)
    return dict(get_suites(VERSION))


@dataclass(frozen=True)
class Contract:
    """What we say of one tool."""

    writes: bool = False
    free_text: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    """Fields of its result that others write."""
    all_strangers: bool = False
    own: dict[str, str] = field(default_factory=dict)
    """Arguments that may be a stranger's choice if they stand in this table of the person's own."""


_MAIL = ("sender", "recipients", "cc", "bcc", "subject", "body", "attachments")
_EVENT = ("title", "description", "location", "participants")
_FILE = ("filename", "content", "owner", "shared_with", "size")
_OTHERS = Contract(all_strangers=True)
_OWN = Contract()
_MAILS, _EVENTS, _FILES = (Contract(strangers=one) for one in (_MAIL, _EVENT, _FILE))


def _does(*free_text: str, strangers: tuple[str, ...] = (), **own: str) -> Contract:
    return Contract(writes=True, free_text=free_text, strangers=strangers, own=own)


def _in_table(environment: Any, table: str) -> Callable[[Deed, Any], bool]:
    def look(deed: Deed, value: Any) -> bool:
        return value in getattr(environment.slack, table)

    return look


CONTRACTS: dict[str, Contract] = {
    # banking
    "get_iban": _OWN,
    "get_balance": _OWN,
    "get_user_info": _OWN,
    "get_most_recent_transactions": Contract(strangers=("subject",)),
    "get_scheduled_transactions": Contract(strangers=("subject",)),
    "read_file": _OTHERS,
    "send_money": _does("subject"),
    "schedule_transaction": _does("subject"),
    "update_scheduled_transaction": _does("subject"),
    "update_password": _does(),
    "update_user_info": _does(),
    # slack
    "get_channels": _OTHERS,  # whoever makes a channel names it
    "get_users_in_channel": _OWN,
    "read_channel_messages": _OTHERS,
    "read_inbox": _OTHERS,
    "get_webpage": Contract(writes=True, all_strangers=True),
    "post_webpage": _does("content"),
    # A link in a message acts by itself, so no message is free text; members and channels of the
    # person's own workspace are known by its tables.
    "send_direct_message": _does(recipient="users"),
    "send_channel_message": _does(channel="channels"),
    "add_user_to_channel": _does(user="users", channel="channels"),
    "invite_user_to_slack": _does(),
    "remove_user_from_slack": _does(),
    # travel
    "get_rating_reviews_for_hotels": _OTHERS,
    "get_rating_reviews_for_restaurants": _OTHERS,
    "get_rating_reviews_for_car_rental": _OTHERS,
    "reserve_hotel": _does(),
    "reserve_restaurant": _does(),
    "reserve_car_rental": _does(),
    # mail, calendar and files
    "send_email": _does("subject", "body", strangers=_MAIL),
    "delete_email": _does(),
    "get_unread_emails": _MAILS,
    "get_sent_emails": _MAILS,
    "get_received_emails": _MAILS,
    "get_draft_emails": _MAILS,
    "search_emails": _MAILS,
    "search_contacts_by_name": _OWN,
    "search_contacts_by_email": _OWN,
    "get_current_day": _OWN,
    "search_calendar_events": _EVENTS,
    "get_day_calendar_events": _EVENTS,
    "create_calendar_event": _does("title", "description", "location", strangers=_EVENT),
    "cancel_calendar_event": _does(),
    "reschedule_calendar_event": _does(strangers=_EVENT),
    "add_calendar_event_participants": _does(strangers=_EVENT),
    "append_to_file": _does("content", strangers=_FILE),
    "create_file": _does("content", strangers=_FILE),
    "delete_file": _does(strangers=_FILE),
    "share_file": _does(strangers=_FILE),
    "search_files_by_filename": _FILES,
    "search_files": _FILES,
    "list_files": _FILES,
    "get_file_by_id": _FILES,
}
"""Every other tool reads the travel agency's own catalogue."""

POLICY = Policy(rule=(Rule(id="ALL", tool="*", do="allow"),))
"""The rules allow every deed: what stops one is its labels alone."""


def tools_of(suite: Any, environment: Any, done: list[Any], *, labels: bool = True) -> list[Tool]:
    """The suite's tools over one environment; each call that was carried out is put into `done`.

    Without `labels` all results count as ours, which is how an agent without any of this works.
    """
    from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime

    runtime = FunctionsRuntime(suite.tools)

    def make(function: Any) -> Tool:
        def run(deed: Deed, **arguments: Any) -> Any:
            found, _ = runtime.run_function(
                environment, function.name, arguments, raise_on_error=True
            )
            done.append(FunctionCall(function=function.name, args=arguments))
            return found

        contract = CONTRACTS.get(function.name, _OWN)
        endorse = {name: _in_table(environment, table) for name, table in contract.own.items()}
        return Tool(
            name=function.name,
            about=function.description,
            run=run,
            model=function.parameters,
            writes=contract.writes,
            free_text=frozenset(contract.free_text),
            endorse=endorse,
            gives="untrusted" if labels and contract.all_strangers else "operator",
            gives_untrusted=frozenset(contract.strangers if labels else ()),
            most_bytes=10_000_000,
        )

    return [make(one) for one in suite.tools]
