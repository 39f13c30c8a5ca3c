"""Messages into text, by a named list of chat templates: the one renderer.

Training, evaluation, serving and export all render here, so the model sees at work what it saw
when it learned. A template is a short table of strings, never code from a model's folder; the
hash of the table goes into every checkpoint.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from attenda.core.message import Message, Role

__all__ = [
    "TEMPLATES",
    "ChatTemplate",
    "control_strings",
    "jinja_template",
    "render",
    "render_pieces",
    "template_hash",
    "template_in",
]


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
        ChatTemplate(  # for models that know one control token alone, such as GPT-2
            name="gpt2",
            before="<|endoftext|>{role}\n",
            after="<|endoftext|>\n",
            stop=("<|endoftext|>",),
            marks=("<|endoftext|>{{ message['role'] }}",),
        ),
    )
}


def template_hash(template: ChatTemplate) -> str:
    """SHA-256 of the template's strings; equal hashes render equal text."""
    return hashlib.sha256(repr(sorted(asdict(template).items())).encode()).hexdigest()


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

    It learns the assistant's words and the stop token after them, and nothing else.
    """
    pieces = [(template.start, False)]
    if template.default_system and (not messages or messages[0].role != "system"):
        pieces.extend(_turn("system", template.default_system, template))
    for message in messages:
        pieces.extend(_turn(message.role, message.text, template))
    if answer_next:
        pieces.append((template.before.format(role="assistant"), False))
    return [(text, learned) for text, learned in pieces if text]


def jinja_template(template: ChatTemplate) -> str:
    """The template as other programs want it: Jinja, rendering the same text.

    It can't take control strings out of what a person wrote; only `render` does.
    """
    before = template.before.replace("{role}", "{{ message['role'] }}")
    system = _turn("system", template.default_system, template) if template.default_system else []
    default = "".join(text for text, _ in system)
    return (
        f"{template.start}"
        + (
            "{% if not messages or messages[0]['role'] != 'system' %}" + f"{default}{{% endif %}}"
            if default
            else ""
        )
        + "{% for message in messages %}"
        + f"{before}{{{{ message['content'] }}}}{_kept_newline(template.after)}"
        + "{% endfor %}{% if add_generation_prompt %}"
        + f"{_kept_newline(template.before.format(role='assistant'))}"
        + "{% endif %}"
    )


def _kept_newline(text: str) -> str:
    """Newlines as expressions, since Jinja may drop one that follows a block."""
    return text.replace("\n", "{{ '\\n' }}")


def _turn(role: Role, text: str, template: ChatTemplate) -> list[tuple[str, bool]]:
    controls = control_strings(template)
    while any(control in text for control in controls):  # taking one out may join another
        for control in controls:
            text = text.replace(control, "")
    learned = role == "assistant"
    stop = next((stop for stop in template.stop if template.after.startswith(stop)), "")
    return [
        (template.before.format(role=role), False),
        (text + stop, learned),
        (template.after.removeprefix(stop), False),
    ]


def control_strings(template: ChatTemplate) -> tuple[str, ...]:
    """Strings that only the template itself may write: they begin and end a turn."""
    heads = [template.before.partition("{role}")[0], template.after.strip(), template.start]
    tail = template.before.partition("{role}")[2].strip()
    return tuple(text for text in [*heads, tail, *template.stop] if text)
