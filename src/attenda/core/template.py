"""Messages into text, by a named list of chat templates: the one renderer.

Training, evaluation, serving and export all render here, so the model sees at work what it saw
when it learned. A template is a short table of strings, never code from a model's folder; the
hash of the table goes into every checkpoint.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from attenda.core.message import Message, ToolCallPart

__all__ = [
    "TEMPLATES",
    "ChatTemplate",
    "ToolForm",
    "assistant_words",
    "control_strings",
    "render",
    "render_pieces",
    "template_hash",
    "template_in",
]


@dataclass(frozen=True, slots=True)
class ToolForm:
    """The strings around reasoning, tool calls and tool results."""

    call: tuple[str, str, str]
    """Before the tool's name, before its arguments as JSON, after them."""
    role: str
    """Whose turn holds results."""
    result: tuple[str, str] = ("", "")
    """Before and after a result."""
    together: bool = False
    """Results in a row share a turn, a line each."""
    reasoning: tuple[str, str] = ("<think>\n", "\n</think>\n\n")
    """Before and after what was thought."""


_QWEN_TOOLS = ToolForm(
    call=('<tool_call>\n{"name": "', '", "arguments": ', "}\n</tool_call>"),
    role="user",
    result=("<tool_response>\n", "\n</tool_response>"),
    together=True,
)
_LLAMA_TOOLS = ToolForm(call=('{"name": "', '", "parameters": ', "}"), role="ipython")
_PLAIN_TOOLS = ToolForm(call=_QWEN_TOOLS.call, role="tool")


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The strings around each message of a conversation."""

    name: str
    before: str
    """Text before a message; `{role}` is its role."""
    after: str
    """Text after a message: the stop token first."""
    start: str = ""
    """Text before the whole conversation, where the model wants one."""
    default_system: str = ""
    """System message put first when the conversation has none."""
    stop: tuple[str, ...] = ()
    """Strings that end the assistant's turn."""
    marks: tuple[str, ...] = ()
    """A foreign template belongs to this one if it holds all of these strings."""
    tools: ToolForm = _PLAIN_TOOLS


TEMPLATES: dict[str, ChatTemplate] = {
    template.name: template
    for template in (
        ChatTemplate(
            name="smollm2",
            before="<|im_start|>{role}\n",
            after="<|im_end|>\n",
            default_system=("You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
            stop=("<|im_end|>",),
            marks=("<|im_start|>", "named SmolLM, trained by Hugging Face"),
            tools=_QWEN_TOOLS,
        ),
        ChatTemplate(
            name="qwen2",
            before="<|im_start|>{role}\n",
            after="<|im_end|>\n",
            default_system="You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
            stop=("<|im_end|>",),
            marks=("<|im_start|>", "You are Qwen, created by Alibaba Cloud"),
            tools=_QWEN_TOOLS,
        ),
        ChatTemplate(
            name="chatml",
            before="<|im_start|>{role}\n",
            after="<|im_end|>\n",
            stop=("<|im_end|>",),
            marks=("<|im_start|>", "<|im_end|>"),
            tools=_QWEN_TOOLS,
        ),
        ChatTemplate(
            name="llama3",
            start="<|begin_of_text|>",
            before="<|start_header_id|>{role}<|end_header_id|>\n\n",
            after="<|eot_id|>",
            stop=("<|eot_id|>",),
            marks=("<|start_header_id|>", "<|eot_id|>"),
            tools=_LLAMA_TOOLS,
        ),
        ChatTemplate(  # for models that know one control token alone, such as GPT-2
            name="gpt2",
            before="<|endoftext|>{role}\n",
            after="<|endoftext|>\n",
            stop=("<|endoftext|>",),
            marks=("<|endoftext|>{{ message['role'] }}",),
        ),
    )
}


_FIRST_TOOLS = {
    "smollm2": "331105f4878e2d67c6592cf58067e09fdd18a77d4b1defb53287685b2556299a",
    "qwen2": "331105f4878e2d67c6592cf58067e09fdd18a77d4b1defb53287685b2556299a",
    "chatml": "331105f4878e2d67c6592cf58067e09fdd18a77d4b1defb53287685b2556299a",
    "llama3": "67745dca912ebbc5a937597479f0d5d7d22ff98af0fb0eceae3d144e6d1a5abf",
    "gpt2": "bd1ad6b73baf99541e90d07fe32dcbfbb09324288b7cd7a171bd27f063272b73",
}
"""Digests of the first forms of tools. Models that were made before there was any keep their hash,
since without tools their text is what it was; another form makes another hash."""


def template_hash(template: ChatTemplate) -> str:
    """SHA-256 of the template's strings; equal hashes render equal text."""
    strings = asdict(template)
    if _digest(strings["tools"]) == _FIRST_TOOLS.get(template.name, _FIRST_TOOLS["gpt2"]):
        del strings["tools"]
    return _digest(strings)


def _digest(strings: dict[str, object]) -> str:
    return hashlib.sha256(repr(sorted(strings.items())).encode()).hexdigest()


def template_in(foreign: str) -> ChatTemplate | None:
    """The listed template that a foreign one (a Jinja text) belongs to, if any does."""
    fitting = (
        t for t in TEMPLATES.values() if t.marks and all(mark in foreign for mark in t.marks)
    )
    return next(fitting, None)


def render(messages: Sequence[Message], template: ChatTemplate, *, answer_next: bool = True) -> str:
    """The conversation as the model reads it, ready for the assistant's words.

    What a person wrote cannot forge a turn: the template's own control strings are taken out of
    the messages' text.
    """
    pieces = render_pieces(messages, template, answer_next=answer_next)
    return "".join(text for text, _ in pieces)


def render_pieces(
    messages: Sequence[Message], template: ChatTemplate, *, answer_next: bool = False
) -> list[tuple[str, bool]]:
    """The same text in pieces, each with whether the model learns to write it.

    It learns what the assistant writes (reasoning, words, calls) and the stop token after it, and
    nothing else.
    """
    pieces = [(template.start, False)]
    if template.default_system and (not messages or messages[0].role != "system"):
        pieces.extend(_turn("system", template.default_system, template))
    for role, text in _turns(messages, template):
        pieces.extend(_turn(role, text, template))
    if answer_next:
        pieces.append((template.before.format(role="assistant"), False))
    return [(text, learned) for text, learned in pieces if text]


def assistant_words(message: Message, template: ChatTemplate, *, reasoning: bool = True) -> str:
    """All that the assistant writes in a turn, without its stop token."""
    thought = message.reasoning.strip("\n") if reasoning else ""
    calls = (_call(one, template.tools) for one in message.calls)
    begin, end = template.tools.reasoning
    words = message.text.lstrip("\n") if thought else message.text
    said = "\n".join(text for text in (words, *calls) if text)
    return _without(control_strings(template), begin + thought + end + said if thought else said)


def _turns(messages: Sequence[Message], template: ChatTemplate) -> Iterator[tuple[str, str]]:
    """Whose turns they are, and their text.

    What was thought before the last question is left out: no model is shown it again.
    """
    asked = max((place for place, one in enumerate(messages) if one.role == "user"), default=-1)
    controls = control_strings(template)
    from_outside = (*controls, *(mark.strip() for mark in template.tools.result if mark))
    for role, group in groupby(enumerate(messages), lambda one: one[1].role):
        if role == "tool":
            texts = [_without(from_outside, text) for _, one in group for text in _results(one)]
            yield from _result_turns(texts, template.tools)
            continue
        for place, one in group:
            if role == "assistant":
                yield role, assistant_words(one, template, reasoning=place > asked)
            else:
                yield role, _without(from_outside if role == "user" else controls, one.text)


def _results(message: Message) -> list[str]:
    return [one.text for one in message.results] or [message.text]


def _result_turns(texts: Sequence[str], form: ToolForm) -> Iterator[tuple[str, str]]:
    begin, end = form.result
    whole = [begin + text + end for text in texts]
    return ((form.role, text) for text in (["\n".join(whole)] if form.together else whole))


def _call(call: ToolCallPart, form: ToolForm) -> str:
    begin, between, end = form.call
    name = json.dumps(call.name, ensure_ascii=False)[1:-1]
    return begin + name + between + json.dumps(call.arguments, ensure_ascii=False) + end


def _turn(role: str, text: str, template: ChatTemplate) -> list[tuple[str, bool]]:
    """A turn in pieces; its text is clean."""
    stop = next((stop for stop in template.stop if template.after.startswith(stop)), "")
    return [
        (template.before.format(role=role), False),
        (text + stop, role == "assistant"),
        (template.after.removeprefix(stop), False),
    ]


def _without(strings: Sequence[str], text: str) -> str:
    while any(one in text for one in strings):  # taking one out may join another
        for one in strings:
            text = text.replace(one, "")
    return text


def control_strings(template: ChatTemplate) -> tuple[str, ...]:
    """Strings that only the template itself may write: they begin and end a turn."""
    heads = [template.before.partition("{role}")[0], template.after.strip(), template.start]
    tail = template.before.partition("{role}")[2].strip()
    return tuple(text for text in [*heads, tail, *template.stop] if text)
