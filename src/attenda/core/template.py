"""Messages into text, by a named list of chat templates: the one renderer.

Training, evaluation, serving and export all render here, so the model sees at work what it saw
when it learned. A template is a short table of strings, never code from a model's folder; the
hash of the table goes into every checkpoint.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from attenda.core.message import Message, Role

__all__ = ["TEMPLATES", "ChatTemplate", "render", "template_hash"]


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
        ),
        ChatTemplate(
            name="qwen2",
            before="<|im_start|>{role}\n",
            after="<|im_end|>\n",
            default_system="You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
            stop=("<|im_end|>",),
            marks=("<|im_start|>", "You are Qwen, created by Alibaba Cloud"),
        ),
        ChatTemplate(
            name="chatml",
            before="<|im_start|>{role}\n",
            after="<|im_end|>\n",
            stop=("<|im_end|>",),
            marks=("<|im_start|>", "<|im_end|>"),
        ),
        ChatTemplate(
            name="llama3",
            start="<|begin_of_text|>",
            before="<|start_header_id|>{role}<|end_header_id|>\n\n",
            after="<|eot_id|>",
            stop=("<|eot_id|>",),
            marks=("<|start_header_id|>", "<|eot_id|>"),
        ),
    )
}


def template_hash(template: ChatTemplate) -> str:
    """SHA-256 of the template's strings; equal hashes render equal text."""
    return hashlib.sha256(repr(sorted(asdict(template).items())).encode()).hexdigest()


def render(messages: Sequence[Message], template: ChatTemplate, *, answer_next: bool = True) -> str:
    """The conversation as the model reads it, ready for the assistant's words.

    What a person wrote cannot forge a turn: the template's own control strings are taken out of
    the messages' text.
    """
    pieces = [template.start]
    if template.default_system and (not messages or messages[0].role != "system"):
        pieces.append(_turn("system", template.default_system, template))
    pieces.extend(_turn(message.role, message.text, template) for message in messages)
    if answer_next:
        pieces.append(template.before.format(role="assistant"))
    return "".join(pieces)


def _turn(role: Role, text: str, template: ChatTemplate) -> str:
    controls = _control_strings(template)
    while any(control in text for control in controls):  # taking one out may join another
        for control in controls:
            text = text.replace(control, "")
    return template.before.format(role=role) + text + template.after


def _control_strings(template: ChatTemplate) -> tuple[str, ...]:
    heads = [template.before.partition("{role}")[0], template.after.strip(), template.start]
    tail = template.before.partition("{role}")[2].strip()
    return tuple(text for text in [*heads, tail, *template.stop] if text)
