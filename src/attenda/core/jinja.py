"""A listed chat template as other programs want it: Jinja, which renders the same text.

The text is written here for GGUF files and model folders; nothing here runs any Jinja.
"""

from attenda.core.template import ChatTemplate, ToolForm

__all__ = ["jinja_template"]

_LAST_QUESTION = (
    "{% set ns = namespace(asked=-1) %}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{% set ns.asked = loop.index0 %}{% endif %}{% endfor %}"
)
_ARGUMENTS = (
    "{% if function['arguments'] is string %}{{ function['arguments'] }}"
    "{% else %}{{ function['arguments'] | tojson }}{% endif %}"
)


def jinja_template(template: ChatTemplate) -> str:
    """The template as Jinja, for messages in OpenAI's form.

    It can't take control strings out of what a person wrote; only `render` does.
    """
    before = _kept_newline(template.before.replace("{role}", "{{ message['role'] }}"))
    opened = _kept_newline(template.before.format(role="assistant"))
    return (
        f"{template.start}{_default_system(template)}{_LAST_QUESTION}"
        "{% for message in messages %}{% if message['role'] == 'tool' %}"
        f"{_results(template)}{{% else %}}{before}{_words(template.tools)}"
        f"{_kept_newline(template.after)}{{% endif %}}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{opened}{{% endif %}}"
    )


def _default_system(template: ChatTemplate) -> str:
    if not template.default_system:
        return ""
    text = template.before.format(role="system") + template.default_system + template.after
    absent = "{% if not messages or messages[0]['role'] != 'system' %}"
    return f"{absent}{_kept_newline(text)}{{% endif %}}"


def _words(form: ToolForm) -> str:
    """What a turn says: reasoning after the last question, words, calls."""
    begin, end = form.reasoning
    thought = "message['role'] == 'assistant' and message['reasoning_content'] and loop.index0"
    call_begin, between, call_end = map(_literal, form.call)
    return (
        f"{{% if {thought} > ns.asked %}}{_literal(begin)}"
        r"{{ message['reasoning_content'].strip('\n') }}"
        f"{_literal(end)}{{% if message['content'] %}}"
        r"{{ message['content'].lstrip('\n') }}{% endif %}"
        "{% elif message['content'] %}{{ message['content'] }}{% endif %}"
        "{% if message['tool_calls'] %}{% for tool_call in message['tool_calls'] %}"
        "{% if message['content'] or not loop.first %}{{ '\\n' }}{% endif %}"
        "{% set function = tool_call['function'] %}"
        f"{call_begin}{{{{ function['name'] }}}}{between}{_ARGUMENTS}{call_end}"
        "{% endfor %}{% endif %}"
    )


def _results(template: ChatTemplate) -> str:
    form = template.tools
    begin, end = (_literal(text) if text else "" for text in form.result)
    opened = _kept_newline(template.before.format(role=form.role))
    closed = _kept_newline(template.after)
    if not form.together:
        return f"{opened}{begin}{{{{ message['content'] }}}}{end}{closed}"
    first = "{% if loop.first or messages[loop.index0 - 1]['role'] != 'tool' %}"
    last = "{% if loop.last or messages[loop.index0 + 1]['role'] != 'tool' %}"
    return (
        f"{first}{opened}{{% else %}}{_literal(chr(10))}{{% endif %}}"
        f"{begin}{{{{ message['content'] }}}}{end}{last}{closed}{{% endif %}}"
    )


def _kept_newline(text: str) -> str:
    """Newlines as expressions, since Jinja may drop one that follows a block."""
    return text.replace("\n", "{{ '\\n' }}")


def _literal(text: str) -> str:
    """A text as an expression; braces of JSON would end one."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"{{{{ '{escaped}' }}}}"
