"""The flows of an agent: those that begin now, and older ones that somebody is still in."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from attenda.core.errors import UserError
from attenda.dialogue.flow import CallFlowStep, Flow, Instruction
from attenda.dialogue.opening import Catalogue
from attenda.dialogue.state import Frame

__all__ = ["FlowBook"]


class FlowBook:
    """Flows by name, and by fingerprint for frames that began on an older text."""

    def __init__(
        self,
        current: Mapping[str, Flow],
        older: Iterable[Flow] = (),
        catalogues: Mapping[str, Catalogue] = MappingProxyType({}),
    ) -> None:
        self.current = dict(current)
        self.catalogues = dict(catalogues)
        """Of things that the sentence which begins a flow may name, by the names in its slots."""
        self._by_fingerprint = {flow.fingerprint: flow for flow in (*older, *current.values())}

    def of(self, frame: Frame) -> Flow:
        """The flow that a frame began on.

        Raises:
            UserError: it is not kept any more.
        """
        flow = self._by_fingerprint.get(frame.fingerprint)
        if flow is None:
            raise UserError("flow.gone", name=frame.flow)
        return flow

    def standing(self, frame: Frame) -> Instruction | None:
        """The next instruction of a frame; nothing behind the last.

        Raises:
            UserError: as in `of`.
        """
        steps = self.of(frame).instructions
        return steps[frame.at] if 0 <= frame.at < len(steps) else None

    def slots_ahead(self, flow: Flow, depth: int = 3) -> set[str]:
        """Slots of the flows that a flow may call."""
        called = [step.call_flow for step in flow.instructions if isinstance(step, CallFlowStep)]
        inner = [self.current[name] for name in called if depth and name in self.current]
        return {slot for one in inner for slot in {*one.slots, *self.slots_ahead(one, depth - 1)}}
