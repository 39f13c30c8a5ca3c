"""The monitor: what forbids a call, by the labels of its values and by who would learn of them.

Who learns of a write's arguments depends on the call: a mail is read by whom it is sent to. It is
worked out anew before each call and, where a person must say yes, again after it.
"""

import logging
from collections.abc import Collection, Mapping
from typing import Any

from attenda.core.errors import UserError
from attenda.core.label import Label, at_least, readable_by
from attenda.core.principal import DESK
from attenda.store.database import yielded
from attenda.tools.call import Call
from attenda.tools.policy import Objection
from attenda.tools.tool import Deed, Tool

__all__ = ["learners", "monitor"]

_log = logging.getLogger("attenda.tools")


def learners(tool: Tool, deed: Deed, arguments: Mapping[str, Any]) -> frozenset[str]:
    """Who would learn of a call's arguments, beyond the person it is done for.

    Raises:
        UserError: the tool can't say; then nobody may.
    """
    if tool.sink is None or isinstance(tool.sink, frozenset):
        return tool.sink or frozenset()
    try:
        found = tool.sink(deed, **{name: arguments[name] for name in tool.sink_names})
    except Exception as error:
        if yielded(error):  # the whole unit is run again
            raise
        _log.error("the readers of the tool %s can't be told", tool.name, exc_info=error)
        raise UserError("tool.no_readers", tool=tool.name) from error
    if isinstance(found, str) or not isinstance(found, Collection):
        raise UserError("tool.no_readers", tool=tool.name)
    if not found or not all(isinstance(one, str) and one for one in found):
        raise UserError("tool.no_readers", tool=tool.name)
    return frozenset(found)


def monitor(tool: Tool, call: Call) -> tuple[Objection, ...]:
    """What forbids a call: arguments, or what led to it; none if it may be.

    An argument may be trusted too little, or would reach somebody who must not read it. That a
    write's reader is told their own name, which no stranger chose, is nobody's secret.
    """
    found: list[Objection] = []
    free = {*tool.releases, *(tool.sink_names if tool.writes else ())}
    if tool.writes and not at_least(call.because, "user"):
        found.append(Objection("because"))
    for name, value in call.arguments.items():
        label = value.whole_label
        if not at_least(label, tool.needed(name)):
            found.append(Objection(name))
        if readers := () if name in free else _strangers(label, call):
            found.append(Objection(name, readers, call.who.id in label.readers))
    return tuple(found)


def _strangers(label: Label, call: Call) -> tuple[str, ...]:
    """Who of those that would learn of a value may not read it.

    Whom it is done for may learn of what is theirs, and what they may read they may tell the
    people of the desk, to whom a handoff shows the whole conversation.
    """
    own = {call.who.id, DESK} if call.who.id in label.readers else {call.who.id}
    return tuple(sorted(one for one in call.sink - own if not readable_by(label, {one})))
