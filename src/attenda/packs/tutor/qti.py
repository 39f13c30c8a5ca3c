"""QTI 1.2 and 2.1: questions as XML, as learning platforms hand them out.

1.2 as Canvas writes it was read on a real file; 2.1 on files made in the documented shape. Kinds
that need a file, a drawing or a program of their own are rejected with that reason.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from attenda.packs.tutor.item import Item, Kind, Option
from attenda.packs.tutor.reading import Reading, Reject, Unreadable, plain_text, safe_xml

__all__ = ["read_qti"]

Node = Any
"""An element of lxml, which has no types."""


def read_qti(content: bytes, name: str, skill: str = "imported") -> Reading:
    """The questions of one QTI file, 1.2 (`questestinterop`) or 2.1 (`assessmentItem`).

    Raises:
        ValueError: it is no XML that may be read, or neither version.
    """
    root = safe_xml(content)
    kind = _tag(root)
    if kind == "questestinterop":
        nodes, make = list(_all(root, "item")), _item_1
    elif kind == "assessmentItem":
        nodes, make = [root], _item_2
    else:
        raise ValueError(f"<{kind}> is neither QTI 1.2 nor an item of QTI 2.1")
    found = Reading()
    for number, node in enumerate(nodes, start=1):
        title = node.get("title") or str(number)
        try:
            found.items.append(make(node, f"{name}#{number}", skill))
        except Unreadable as error:
            place = f"{name}:{node.sourceline} ({title})"
            found.rejects.append(Reject(place, error.reason))
    return found.without_twins()


def _tag(node: Node) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _all(node: Node, *tags: str) -> Iterator[Node]:
    return (one for one in node.iter() if _tag(one) in tags)


def _first(node: Node, *tags: str) -> Node | None:
    return next(_all(node, *tags), None)


def _text(node: Node | None) -> str:
    return "" if node is None else " ".join("".join(map(str, node.itertext())).split())


def _material(node: Node | None) -> str:
    """The words of a 1.2 element: all its `mattext`, HTML where they say so."""
    return (
        "" if node is None else plain_text("\n".join(_text(one) for one in _all(node, "mattext")))
    )


_NOT_HERE = {
    "file_upload_question": "file",
    "matching_question": "pairs",
    "fill_in_multiple_blanks_question": "gaps",
    "multiple_dropdowns_question": "gaps",
    "calculated_question": "drawn",
}


def _item_1(node: Node, source: str, skill: str) -> Item:
    fields = {
        _text(_first(one, "fieldlabel")): _text(_first(one, "fieldentry"))
        for one in _all(node, "qtimetadatafield")
    }
    type_ = fields.get("question_type", "")
    presentation = _first(node, "presentation")
    if type_ in _NOT_HERE or presentation is None:
        raise Unreadable(_NOT_HERE.get(type_, "asks_nothing"))
    choices = _first(presentation, "response_lid")
    prompt = plain_text(
        "\n".join(
            _text(t) for m in presentation if _tag(m) == "material" for t in _all(m, "mattext")
        )
        or _material(_first(presentation, "material"))
    )
    kind: Kind = "open"
    keys: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    if choices is not None:
        kind, options = _options_1(node, choices)
    elif type_ != "essay_question":
        kind, keys = _typed_1(node, numeric=type_ == "numerical_question")
    general = next(
        (one for one in _all(node, "itemfeedback") if one.get("ident") == "general_fb"), None
    )
    return Item(
        f"qti-{node.get('ident') or source}", skill, kind, {"en": prompt}, keys, options=options,
        solution={"en": said} if (said := _material(general)) else {}, source=source,
    )  # fmt: skip


def _scored_1(node: Node) -> Iterator[Node]:
    """Conditions that give the whole score."""
    for condition in _all(node, "respcondition"):
        if any(float(_text(one) or 0) > 0 for one in _all(condition, "setvar")):
            yield condition


def _options_1(node: Node, choices: Node) -> tuple[Kind, tuple[Option, ...]]:
    right = {
        _text(equal)
        for condition in _scored_1(node)
        for equal in _all(condition, "varequal")
        if not any(_tag(above) == "not" for above in equal.iterancestors())
    }
    options = tuple(
        Option({"en": _material(one)}, one.get("ident") in right)
        for one in _all(choices, "response_label")
    )
    several = choices.get("rcardinality", "Single").lower() == "multiple"
    if not any(one.right for one in options):
        raise Unreadable("no_right_option")
    return ("several" if several else "choice"), options


def _typed_1(node: Node, numeric: bool) -> tuple[Kind, tuple[str, ...]]:
    keys: list[str] = []
    for condition in _scored_1(node):
        low, high = _first(condition, "vargte", "vargt"), _first(condition, "varlte", "varlt")
        if low is not None and high is not None:
            keys.append(f"{_text(low)}..{_text(high)}")
        elif not numeric:
            keys += [_text(one) for one in _all(condition, "varequal")]
        else:
            keys += [_text(one) for one in _all(condition, "varequal") if _text(one)]
    if not keys:
        raise Unreadable("no_right_answer")
    return ("number" if numeric else "short"), tuple(dict.fromkeys(keys))


def _item_2(node: Node, source: str, skill: str) -> Item:
    body = _first(node, "itemBody")
    declared = [one for one in node if _tag(one) == "responseDeclaration"]
    if body is None or not declared:
        raise Unreadable("asks_nothing")
    asked = [one for one in body.iter() if _tag(one).endswith("Interaction")]
    if len(asked) != 1:
        raise Unreadable("asks_many", count=len(asked))
    interaction = asked[0]
    right = [
        _text(one) for one in _all(declared[0], "correctResponse") for one in _all(one, "value")
    ]
    base = declared[0].get("baseType", "string")
    kind, keys, options = _answer_2(interaction, right, base, declared[0])
    prompt = {"en": _prompt_2(body, interaction)}
    id_ = f"qti-{node.get('identifier') or source}"
    return Item(id_, skill, kind, prompt, keys, options=options, source=source)


def _prompt_2(body: Node, interaction: Node) -> str:
    """The words of the body, a gap where the answer is typed, without the options."""
    parts = [body.text or ""]
    for node in body.iter():
        if node is body:
            continue
        inside = any(above is interaction for above in node.iterancestors())
        if node is interaction:
            prompt = _first(node, "prompt")
            typed = _tag(node) == "textEntryInteraction"
            parts.append(" _____ " if typed else _text(prompt))
        elif not inside:
            parts.append(node.text or "")
        if not inside:
            parts.append(node.tail or "")
    return " ".join(" ".join(parts).split())


def _answer_2(
    interaction: Node, right: list[str], base: str, declared: Node
) -> tuple[Kind, tuple[str, ...], tuple[Option, ...]]:
    kind = _tag(interaction)
    if kind == "choiceInteraction":
        options = tuple(
            Option({"en": _text(one)}, one.get("identifier") in right)
            for one in _all(interaction, "simpleChoice")
        )
        if not any(one.right for one in options):
            raise Unreadable("no_right_option")
        return ("several" if declared.get("cardinality") == "multiple" else "choice"), (), options
    if kind == "textEntryInteraction":
        mapped = [
            one.get("mapKey", "")
            for one in _all(declared, "mapEntry")
            if float(one.get("mappedValue", 0)) >= 1
        ]
        keys = tuple(dict.fromkeys([*right, *mapped]))
        if not keys:
            raise Unreadable("no_right_answer")
        return ("number" if base in ("float", "integer") else "short"), keys, ()
    if kind == "extendedTextInteraction":
        return "open", (), ()
    raise Unreadable("interaction", kind=kind)
