"""Perceive: what the person wants, from their own words and the state alone.

What is asked just now is looked for first, then values for the flows under way, then another
flow, judged by the examples of all. Documents and results of tools are never looked at.
"""

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from attenda.core.command import (
    AskHuman,
    Cancel,
    Clarify,
    Command,
    NotUnderstood,
    StartFlow,
    Wait,
)
from attenda.core.label import Label
from attenda.dialogue.book import FlowBook
from attenda.dialogue.choosing import NONE, PERSON, STOP, Choice
from attenda.dialogue.clauses import clauses, wishes_outright, without_courtesies
from attenda.dialogue.confirming import answer_to
from attenda.dialogue.extract_another import is_the_same, one_more
from attenda.dialogue.extract_answers import whole_word, yes_or_no
from attenda.dialogue.extract_assent import another_matter
from attenda.dialogue.extract_pause import asks_to_wait, besides_waiting
from attenda.dialogue.extract_span import folded
from attenda.dialogue.flow import (
    CallFlowStep,
    CollectStep,
    ConfirmStep,
    Flow,
    Slot,
)
from attenda.dialogue.nearest import MOST_CANDIDATES, Certain, Judgement, Nearest, Unsure
from attenda.dialogue.opening import named_in_catalogue, said_besides
from attenda.dialogue.remember import told_to_remember
from attenda.dialogue.state import DialogueState
from attenda.dialogue.values import values_in, values_named, without_values

__all__ = ["Understanding"]

_CANCEL = re.compile(
    r"\b(cancel (this|that|it)|forget (it|that)|never mind)\b"
    r"|(?<![我你他她才刚])算了(?![算一半下好出两三几很多])|不办了",  # 我算了算: reckoned
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\W*(thanks?( you)?( very much| a lot)?|thx|谢谢(你|您|啦)?|多谢)\W*", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{2}")
"""Without one, what is said to a question is a number or a sign: a value, and no other wish."""
_AROUND = re.compile(
    r"(?<![a-z])(?:it|is|its|it's|that|that's|this|the|a|an|for|of|in|on|to|my|his|her|so|then|well|oh"
    r"|ok(?:ay)?|and|i|i'd|i'm|say|think|guess|believe|get|mean|would|be|must|should|makes|maybe|about"
    r"|please|pls|thanks|thank|you|sir|number|no|one)(?![a-z])"
    r"|[是的我要给请这那就个位吧了哦嗯吗呢啊号想]|谢谢|老师|答案|结果|应该|等于|觉得|大概|可能|编号|所以",
    re.IGNORECASE,
)
"""Words that stand around a value and wish for nothing."""
_LEFT = re.compile(r"[^\W\d_]{2}|[\u3400-\u9fff]")
_NUMBER = re.compile(r"(?<![\w-])-?\d[\d.,/%]*(?![\w-])")
_AGAIN = re.compile(
    r"\b(?:again|another|once more|one more|next|repeat|redo|same|second|third|further|new one)\b"
    r"|[再又另还]|重新|下一|同样",
    re.IGNORECASE,
)
"""What was done last is wanted again, where no other thing is named."""
_DONE_LAST = 4.0
_UNUSUAL = 0.2
"""How much likelier a flow is that was done last, and one that such people don't ask for."""
_MOST_CLAUSES = 6
_CLEARLY = 0.9
"""Least share of a flow that one clause begins where the whole message seems to be of no flow."""
_UNDILUTED = 0.9
"""With less of it the flow of a whole message gives way to the one that a clause clearly begins."""
_TAIL = 3
"""Letters and marks that may follow a bare yes."""
_HUMAN = re.compile(
    r"\b(?:human|(?:real|actual|living|live) (?:people|pers?o?n)|(?:talk|speak|chat) (?:to|with) "
    r"(?:a|an|some) ?(?:person|one|body|agent|colleague|member of)|someone (?:real|from your)"
    r"|agent please|put me through|(?:one|somebody) of your (?:people|staff|colleagues))\b"
    r"|^\W*(?:agent|operator|representative)\W*$|人工|真(?:正|实)?的?人(?![心品家物生道情体员民才力])|活人|不要(?:跟|和|同)?机器人"
    r"|(?:找|叫|换|转|由|接通?|让|跟|和|与)[^，。！？,.!?]{0,5}(?:客服(?:人员|专员|代表)?|工作人员)"
    r"(?=$|[\s，。！？,.!?吧来跟和与同聊说谈沟讲对处接服])",
    re.IGNORECASE,
)
_THEIR_HOURS = re.compile(
    r"(?:几点|什么时[候间]|啥时候)(?:会|才|都)?有人工"
    r"|人工(?:客服)?(?:的|一般|每天|服务|在线|工作)*(?:时[间段]|几点|什么时[候间]|啥时候)"
    r"(?![^，。！？,.!?]{0,6}[接转来找帮])"
)
"""People, where only the hours are asked in which they are there."""
_ASKS_HOURS = re.compile(
    r"\b(?:when|what|how late|until when)\b[^.!?]{0,40}\b(?:open|hours|close)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """The flows of a book, and a judge that has learned their examples."""

    book: FlowBook
    nearest: Nearest | None
    """None where no flow has an example."""
    begins: frozenset[str] | None = None
    """Flows that may begin; none is all. The others are known, so as to be taken for none here."""

    def wish(self, text: str) -> str:
        """The part of a message that says what the person wants."""
        slots = [slot for flow in self.book.current.values() for slot in flow.slots.values()]
        return without_courtesies(without_values(text, slots))

    def wishes(self, text: str) -> list[str]:
        """The wish of a message and, where it has several clauses, the wish of each."""
        return [wish for _, wish in self._said(text)]

    def _said(self, text: str) -> list[tuple[str, str]]:
        """A message and its clauses, each with its wish."""
        whole = self.wish(text)
        parts = [(clause, self.wish(clause)) for clause in clauses(text)[-_MOST_CLAUSES:]]
        return [(text, whole), *(part for part in parts if part[1] != whole)]

    def commands(
        self,
        text: str,
        vectors: NDArray[np.float32],
        state: DialogueState,
        label: Label,
        today: datetime.date,
        role: str = "",
    ) -> list[Command]:
        """What a message wants.

        Args:
            text: of the message.
            vectors: of its `wishes`, (P, D), or of the first of them alone, (1, D).
            state: where the dialogue stands.
            label: that values taken from the message get.
            today: when it was said.
            role: of who says it; what others ask for as a rule is believed less of them.
        """
        if _HUMAN.search(_THEIR_HOURS.sub("", text)) and not _ASKS_HOURS.search(text):
            return [AskHuman()]
        if (kept := told_to_remember(text)) is not None:
            return [kept]
        asked = self.book.standing(state.top) if state.top else None
        slots = dict(_slots(state, self.book))
        wanted = asked.collect if isinstance(asked, CollectStep) else ""
        offered = bool(state.top and wanted and state.top.offers.get(wanted))
        if offered or isinstance(asked, ConfirmStep):
            answer = self._answered(text, vectors, state, label, today, role)
            if answer:
                return answer
        if asks_to_wait(text):
            return [Wait()]
        if state.top and (dropped := _CANCEL.search(text)):
            instead = self._after(text[dropped.end() :], text, vectors, role)
            return [Cancel(), *(self._begin(instead, text, label, today) if instead else [])]
        if not wanted and _says_nothing_more(text):
            return [Wait()]
        asked_for = {wanted: slots[wanted]} if wanted in slots else {}
        told = [one.words for one in values_in(text, asked_for, "", today, label)]
        bare = _is_bare(text, told)
        likely = [] if bare else self._others(text, vectors, asked_for.get(wanted), role, state)
        under_way = {frame.flow for frame in state.frames}
        if len(likely) == 1 and likely[0] not in under_way:
            return self._begin(likely[0], text, label, today, slots)
        found: list[Command] = list(values_in(text, slots, wanted, today, label))
        if not found and len(likely) > 1:
            return [Clarify(flows=tuple(likely))]
        paused = besides_waiting(text) is not None
        return found or [Wait() if paused else NotUnderstood()]

    def left_open(
        self, text: str, vector: NDArray[np.float32], state: DialogueState, role: str = ""
    ) -> Choice | None:
        """What a message that was not understood, or not surely, may mean; none where none fits.

        Args:
            text: of the message.
            vector: of its whole wish, (D,).
            state: where the dialogue stands.
            role: of who says it.
        """
        if self.nearest is None or not _WORD.search(text):
            return None
        wish = self.wish(text)
        near = self.nearest.judge(wish, vector, self._named(text), self._leaning(role, ""))
        asked = self.book.standing(state.top) if state.top else None
        wanted = asked.collect if isinstance(asked, CollectStep) else ""
        slot = dict(_slots(state, self.book)).get(wanted)
        beside = {frame.flow for frame in state.frames} | set(slot.outranks if slot else ())
        likely = [near.best] if isinstance(near, Certain) else near.candidates
        able = [one for one in self._here([one.name for one in likely]) if one not in beside]
        # in an order that says nothing: a model that takes the first one would only seem to choose
        return Choice(wish, tuple(sorted(able)), bool(state.frames))

    def chosen(
        self, name: str, text: str, state: DialogueState, label: Label, today: datetime.date
    ) -> list[Command]:
        """What a message means by the name that was chosen for it; empty for none of them."""
        if name in self.book.current:
            return self._begin(name, text, label, today, dict(_slots(state, self.book)))
        besides: dict[str, list[Command]] = {PERSON: [AskHuman()], STOP: [Cancel()], NONE: []}
        return besides[name]

    def _answered(
        self,
        text: str,
        vectors: NDArray[np.float32],
        state: DialogueState,
        label: Label,
        today: datetime.date,
        role: str,
    ) -> list[Command]:
        """What a message says to a question of yes or no, if anything."""
        assert state.top is not None
        asked, slots = self.book.standing(state.top), dict(_slots(state, self.book))
        named = list(values_in(text, slots, "", today, label))
        answer = answer_to(text, state, asked, named, self.book)
        rest = besides_waiting(text)
        if answer or rest is None or not isinstance(asked, ConfirmStep):
            return answer
        asks = re.search(r"[?？]|吗", text) or another_matter(folded(text))
        other = self._after(rest, text, vectors, role, _CLEARLY) if asks else ""
        return self._begin(other, text, label, today, slots) if other else [Wait()]

    def _begin(
        self,
        name: str,
        text: str,
        label: Label,
        today: datetime.date,
        known: Mapping[str, Slot] = MappingProxyType({}),
    ) -> list[Command]:
        """A flow with all that the message says for it and for the slots `known` before."""
        flow = self.book.current[name]
        slots = {**known, **dict(_all_slots(flow, self.book))}
        return [
            StartFlow(flow=name),
            *values_in(text, slots, "", today, label),
            *said_besides(text, flow, self.book.catalogues, label),
        ]

    def _after(
        self, rest: str, text: str, vectors: NDArray[np.float32], role: str, least: float = 0.0
    ) -> str:
        """The flow that a clause of `rest` begins, of a message `text`; empty for none."""
        if self.nearest is None:
            return ""
        wished = {self.wish(clause) for clause in clauses(rest) or [rest]}
        for wish, vector in zip(self.wishes(text), vectors, strict=False):
            if wish in wished:
                said = self.nearest.judge(wish, vector, self._named(rest), self._leaning(role, ""))
                if isinstance(said, Certain) and said.best.share >= least:
                    return "".join(self._here([said.best.name]))
        return ""

    def _others(
        self,
        text: str,
        vectors: NDArray[np.float32],
        asked: Slot | None,
        role: str,
        state: DialogueState,
    ) -> list[str]:
        """Flows that may be meant, where not what is asked for just now outranks them."""
        if asked is not None and not _WORD.search(text):
            return []
        again = state.last if _AGAIN.search(text) else ""
        found = self._flow(text, vectors, role, again)
        if asked is not None:
            return [name for name in found if name not in asked.outranks]
        last = self.book.current.get(state.last)
        if last is None or last.hidden or state.frames:
            return found
        slots = [slot for flow in self.book.current.values() for slot in flow.slots.values()]
        said = without_values(text, slots)
        thing = folded(one_more(said))
        other = len(found) == 1 and thing in self.book.current[found[0]].all_examples
        more = thing and not other
        return self._here([last.name]) if is_the_same(said) or more else found

    def _named(self, text: str) -> frozenset[str]:
        """Flows of which a message names an id, an option or a thing of a catalogue.

        A word that stands in the examples of other flows too, such as "start", speaks for none.
        """
        said = {
            name: [one for slot in flow.slots.values() for one in values_named(text, slot)]
            for name, flow in self.book.current.items()
        }
        return frozenset(
            name
            for name, words in said.items()
            if any(not self._is_anybodys(word, name) for word in words)
            or named_in_catalogue(text, self.book.current[name], self.book.catalogues)
        )

    def _leaning(self, role: str, again: str) -> dict[str, float]:
        """How much likelier flows are by who speaks, and by what was done last."""
        flows = self.book.current.items()
        asked_by = {name: flow.asked_by for name, flow in flows if flow.asked_by}
        unusual = [name for name, roles in asked_by.items() if role and role not in roles]
        return dict.fromkeys(unusual, _UNUSUAL) | ({again: _DONE_LAST} if again else {})

    def _is_anybodys(self, word: str, flow: str) -> bool:
        """Whether the examples of another flow have a word."""
        others = (one for one in self.book.current.values() if one.name != flow)
        begins, whole = word.split()[0], whole_word(word)  # most examples lack even its beginning
        return any(begins in one.all_examples and whole.search(one.all_examples) for one in others)

    def _flow(self, text: str, vectors: NDArray[np.float32], role: str, again: str) -> list[str]:
        """The flow that is meant, or those that may be.

        Where the whole message leaves it open, its clauses are looked at one by one.
        """
        if self.nearest is None:
            return []
        leaning = self._leaning(role, again)
        judged = (
            (self.nearest.judge(wish, vector, self._named(words), leaning), words)
            for (words, wish), vector in zip(self._said(text), vectors, strict=False)
        )
        whole, _ = next(judged)
        if isinstance(whole, Certain) and whole.best.share >= _UNDILUTED:
            return self._here([whole.best.name])
        parts = list(judged)
        said = [one for one, _ in parts]
        wished = _clear(one for one, words in parts if wishes_outright(words))
        if len(wished) == 1:
            return self._here(wished)
        if isinstance(whole, Certain):
            clear = _clear(said)
            return self._here(clear if len(clear) == 1 else [whole.best.name])
        if isinstance(whole, Unsure):
            open_ = [one.name for one in whole.candidates]
            return self._here(_of_clauses(said, open_)[:MOST_CANDIDATES] or open_)
        return self._here(_clear(said)[:MOST_CANDIDATES])

    def _here(self, names: list[str]) -> list[str]:
        """Of what may be meant, the likeliest first, what may begin; none if the first may not."""
        able = [one for one in names if self.begins is None or one in self.begins]
        return able if able[:1] == names[:1] else []


def _clear(judged: Iterable[Judgement]) -> list[str]:
    """The flows that clauses clearly begin."""
    sure = (one.best for one in judged if isinstance(one, Certain))
    return list(dict.fromkeys(one.name for one in sure if one.share >= _CLEARLY))


def _of_clauses(judged: Iterable[Judgement], open_: Sequence[str]) -> list[str]:
    """The flows that clauses begin, where the whole message may mean those of `open_`.

    One that a clause clearly begins, if the whole may mean it too, goes before what others may.
    """
    sure = [one for one in judged if isinstance(one, Certain)]
    meant = [name for name in _clear(sure) if name in open_]
    return meant if len(meant) == 1 else list(dict.fromkeys(one.best.name for one in sure))


def _is_bare(text: str, values: list[str]) -> bool:
    """Whether a message is a value of what is asked for, or a number, with nothing but padding."""
    left = text
    for words in values:
        left = left.replace(words, " ")
    without = _NUMBER.sub(" ", left)
    said = bool(values) or without != left
    return said and not _LEFT.search(_AROUND.sub(" ", without))


def _says_nothing_more(text: str) -> bool:
    """Whether it is a bare yes, no or thanks to nothing in particular."""
    said = yes_or_no(text)
    bare = said is not None and len(text.strip()) - (said.end - said.start) <= _TAIL
    return bare or _THANKS.fullmatch(text.strip()) is not None


def _slots(state: DialogueState, book: FlowBook) -> Iterator[tuple[str, Slot]]:
    for frame in state.frames:
        yield from _all_slots(book.of(frame), book)


def _all_slots(flow: Flow, book: FlowBook) -> Iterator[tuple[str, Slot]]:
    """Slots of a flow and of those that it calls."""
    yield from flow.slots.items()
    for step in flow.instructions:
        if isinstance(step, CallFlowStep) and step.call_flow in book.current:
            yield from book.current[step.call_flow].slots.items()
