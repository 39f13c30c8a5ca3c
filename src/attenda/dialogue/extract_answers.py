"""Yes and no, a choice among options, and free text.

A yes can set off a deed, so only a plain one counts: with a "but", a "wait" or a question in the
same sentence it is neither. A no counts however it goes on. English and Chinese.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from attenda.dialogue.extract_assent import (
    another_matter,
    concluding_answer,
    opening_assent,
    wholly_agrees,
    without_pleading,
)
from attenda.dialogue.extract_numbers import read_number
from attenda.dialogue.extract_span import Found, first_of_overlapping, folded

__all__ = ["choices", "free_text", "whole_word", "yes_or_no"]

_LEAD = re.compile(
    r"(?:[\s,，.!…~-]|(?:oh|um+|uh+|m+h?m+|er+|ah+|well|so|hi|hello|please|i\s+(?:think|guess|would\s+say|said)|"
    r"actually|in\s+that\s+case|then|(?:k+|ok(?:ay)?|all\s?right|fine)(?=[\s,]+(?:then[\s,]+)?(?:ye|no|sure|go|do|let)))(?![a-z'])|(?:想|考虑)(?:好|清楚)了|嗯+(?=[^嗯\s，。,.!！])|哦+|噢+|啊+|那(?:就)?|请)*"
)
_NO = re.compile(
    r"(?:no(?!\s+(?:problem|worries|doubt|idea|clue|matter|one|time\s+like|objections?|harm|reason\s+not))|nope|nah|not?\s+(?:really|now|yet|"
    r"at\s+(?:all|the\s+moment|this)|just|right|"
    r"today|quite|that|this|the|correct|right)|never(?:\s*mind)?|n(?=\s*(?:$|[,.!;]))|negative|wrong|incorrect|cancel\s+(?:it|that)|"
    r"(?:please\s+)?(?:don'?t|do\s+not)|i\s+(?:don'?t|do\s+not)(?=\s+(?:want|think|need|agree|like|wish|care))|"
    r"nothing(?=\s*(?:$|[,.!;]|else|more|at|right|thank))|"
    r"that(?:'s|\s+is)\s+(?:not|wrong|incorrect)|"
    r"(?:i(?:'d|\s+would)\s+)?rather\s+not|forget\s+(?:it|about\s+it)|stop)(?![a-z'])"
    r"|不(?!好意思|过|客气|急|如|管|多说|啰嗦|纠结|犹豫|用(?:想|考虑|商量|多说))(?:是|对|用|要|行|可以|好|需要|想|了|必|同意|确认(?!定))?(?:了|的)?(?![道知确清懂明错])(?=$|[\s，。,.!！;；?？、~]|[一-鿿])"
    r"|算了|别(?!的|人|提|扭)(?=$|[\s，。,.!！了]|[一-鿿])|否|没有(?!关系|任?何?(?:别的)?(?:问题|意见|异议|疑问|疑义|毛病|错|不妥))|没(?=$|[\s，。])|取消(?:吧|了)?|免了|错了?"
)
_YES = re.compile(
    r"(?:yes|yeah|yea|yep|yup|sure|ok(?:ay)?|of\s+course|absolutely|certainly|definitely|agreed|"
    r"confirm(?:ed)?|affirmative|continue|proceed|carry\s+on|do\s+(?:it|that|so)|go\s+(?:ahead|for\s+it)|please\s+proceed|"
    r"let'?s\s+(?:do\s+(?:it|that|so)|go\s+ahead)|fine\s+(?:by|with)\s+me|"
    r"works\s+for\s+me|okey|that(?:\s+will|'ll)?\s+works?|"
    r"that(?:'s|\s+is|\s+was)\s+(?:right|correct|fine|it|good|great|perfect)|by\s+all\s+means|"
    r"(?:that\s+)?sounds\s+(?:good|great|fine|perfect)|(?:looks|all)\s+good|no\s+(?:problem|worries)|i\s+(?:do(?!\s+not)|agree|confirm)|it\s+(?:sure\s+)?is(?!\s+not)|you\s+got\s+it|"
    r"(?:go\s+on|let'?s\s+go|i'?m\s+sure|approved|granted|very\s+well|aye)"
    r"(?=\s*(?:$|[,.!;~]|thank|please|then|with\s+(?:it|that|this)))|"
    r"go(?=\s*[.!]*$)|(?:ya|y|k+|good|correct|exactly|indeed|right|perfect|great|fine|alright|do)(?=\s*(?:$|[,.!;~]|thank|please)))"
    r"(?![a-z'])"
    r"|(?:好(?:的|吧|啊|呀|呢|了|嘞|哒|滴)?)+(?=$|[\s，。,.!！;；、~]|谢|就|请|帮|那|继续(?![说讲聊问等])|可以|没问题|麻烦(?:[你您帮办退]|了)"
    r"|(?:办理?|做|打?开|退[款掉]?|签[字名署]?)(?:吧|啊|了|$|[\s，。,.!！;；、~]))"
    r"|(?:是(?:的|啊|呀)?)+(?=$|[\s，。,.!！;；、~]|我|要|没错)"
    r"|(?:对(?:的|啊|呀|了(?=$|[。.!！]))?)+(?=$|[\s，。,.!！;；、~])|(?:可以(?:的|啊|呀)?)+"
    r"|(?:行(?:的|啊|吧)?)+(?=$|[\s，。,.!！;；、~])|没问题|没错|当然(?:可以|了|是)?|(?:确认|确定|同意|允许|批准)(?!一[下遍次]|我[想问看先再]|书|人|函|邮件|单号|之?前|地址|金额|信息)"
    r"|(?:请|麻烦)?继续(?:办理?|做|退|开)?(?:吧|啊|呗)?(?=$|[\s，。,.!！;；、~])"
    r"|嗯+(?=$|[\s，。,.!！~])|要(?:的|啊)?(?=$|[\s，。,.!！~])|需要(?=$|[\s，。,.!！~])"
)
_HEDGE = re.compile(
    r"(?<![a-z])(?:but|wait|hold\s+on|except|however|unless|although|though|hmm+|not|actually|else|different(?:ly)?|otherwise|another|rather|"
    r"maybe|perhaps|no|don'?t|do\s+not|never\s*mind|cancel|stop|instead|change|as\s+long\s+as|provided|the\s+other|only\s+(?:the|for|my)|"
    r"once\s+(?:i|you|we|it|they|my|your|the|that|this|he|she)|"
    r"(?<!know )(?<!me )(?<!see )if(?!\s+(?:possible|so)(?![a-z]))"
    r"|(?:is|was|looks|seems|all)\s+(?:wrong|incorrect)|(?:the|my|those|these)\s+[a-z]+\s+(?:too|also|as\s+well)"
    r"|(?:wants?|prefers?|needs?|likes?|takes?)\s+(?:the|a|an)\s+(?:[a-z]+\s+)?ones?"
    r"|(?:want|need|like)\s+(?:it|that|them)\s+(?:sent|shipped|delivered|to|in|by|on|at|before)"
    r"|i(?:'ll|\s+will|\s+can)\s+(?:tell|give|send|let)\s+you)(?![a-z'])"
    r"|但|不过|等一?下|等等|等我(?![用们])|除了|可是|只是|先别|不|别|算了|取消|也许|可能|换|改|如果(?!可以|方便|行)|要是(?!可以|方便|行)|想想|想一想|考虑|才怪|个[屁鬼]|要(?:那个|这个)?[\u3400-\u9fff]{1,2}色的"
)
_OPEN = re.compile(
    r"(?<![a-z])(?:who|whom|whose|which|where|later|tomorrow|only|of\s+what"
    r"|what\s+(?:you\s+(?:would|could)|is|are|would|if))(?![a-z'])"
    r"|谁|什么|哪|怎|以后|待会|晚点|明天|再说"
)
"""In the clause of a yes: it asks or puts off, and agrees to nothing now."""
_WEAK = re.compile(
    r"ok(?:ay|ey)?|k+|y|ya|right|good|great|fine|alright|perfect|嗯+|(?:[好行对是](?:[的吧啊呀呢了嘞哒滴])?)+"
)
"""They agree, but begin another matter as well: "OK, where is my parcel"."""
_LATER = re.compile(
    r"\W*(?:but\s+|only\s+)?(?:as\s+soon\s+as(?!\s+(?:you\s+can|possible))|after(?!\s+all)|before"
    r"|until|once|later|tomorrow|next\s+(?:week|month|time|year)|when(?!\s*ever|\s+you(?:'re)?\s+(?:can|like|are|have|get|ready)))(?![a-z])"
    r"|\W*(?:明天|后天|以后|待会|晚点|回头|下[周次个]|改天|过[几两]天)"
)
"""Right behind a yes: not now, but when something else has come."""
_QUESTION = re.compile(r"[?？]|[吗么嘛](?=$|[\s，。,.!！])|(?:不可以|不行|不好)[?？]")
_CLAUSE_END = re.compile(r"[，。,.!！;；、\n]")
_SENTENCE_END = re.compile(r"[。.!！\n]")
_HARMLESS = re.compile(
    r"(?<![a-z])(?:no\s+(?:problem|worries|doubt|hurry|rush)|why\s+not)(?![a-z])|没问题|没错|不错|不客气"
)
_ORDINAL_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_NOT_THIS = re.compile(
    r"(?:(?<![a-z])(?:not|no|don'?t\s+want|instead\s+of|rather\s+than|except)\s+(?:the\s+|a\s+|an\s+)?"
    r"|不是|不要|不想要|而不是|除了)$"
)


def yes_or_no(text: str, agreeing: Collection[str] = ()) -> Found[bool] | None:
    """The yes or no that `text` begins or ends with, or None where it is neither or not plain.

    `agreeing` are words that are a yes to what was asked, such as "open it"; one with a "+" before
    it is none alone, but takes nothing from a yes that it stands beside ("yes, cancel").
    """
    text = without_pleading(text)
    alone = [one for one in agreeing if not one.startswith("+")]
    if len(alone) < len(agreeing) and (whole := wholly_agrees(text, agreeing)):
        return whole
    return (
        _beginning_answer(text, alone)
        or concluding_answer(text, agreeing)
        or opening_assent(text, agreeing)
    )


def _beginning_answer(text: str, agreeing: Collection[str]) -> Found[bool] | None:
    plain = folded(text)
    lead = _LEAD.match(plain)
    at = lead.end() if lead else 0
    if (no := _NO.match(plain, at)) and not _is_question(plain, at, no.end()):
        return Found(False, *no.span(), text[slice(*no.span())])
    yes = _YES.match(plain, at) or (_agrees(tuple(agreeing)).match(plain, at) if agreeing else None)
    if yes is None or _is_question(plain, at, yes.end(), _SENTENCE_END):
        return None
    border = _CLAUSE_END.search(plain, yes.end())
    if _OPEN.search(plain, yes.end(), border.start() if border else len(plain)):
        return None
    sentence = None if _WEAK.fullmatch(yes.group()) else _SENTENCE_END.search(plain, yes.end())
    if another_matter(plain[yes.end() : sentence.start() if sentence else len(plain)]):
        return None
    if _HEDGE.search(_HARMLESS.sub(" ", plain[yes.end() :])) or _LATER.match(plain, yes.end()):
        return None
    return Found(True, *yes.span(), text[slice(*yes.span())])


_PADDED = (
    r"(?:\s+(?:it|that|now|then|please|thanks|thank\s+you|for\s+me|up|off"
    r"|(?:the|this)(?:\s+(?!other|wrong|next)[a-z]+){1,2}))*(?=\s*(?:$|[,.!;~，。！]))"
)
_PADDED_HAN = r"(?:吧|了|啦|啊|呀|呗|它|掉)*(?=$|[\s，。,.!！;；、~]|谢|麻烦|请)"
"""What may stand behind words that agree, up to the end of their part: nothing else is wished."""


@lru_cache(maxsize=64)
def _agrees(words: tuple[str, ...]) -> re.Pattern[str]:
    """Words that are an answer by themselves, with padding."""
    ordered = sorted((folded(one) for one in words), key=len, reverse=True)
    latin = [r"\s+".join(map(re.escape, one.split())) for one in ordered if one.isascii()]
    han = [re.escape(one) for one in ordered if not one.isascii()]
    ways = [
        rf"(?:{'|'.join(parts)}){padded}"
        for parts, padded in ((latin, _PADDED), (han, _PADDED_HAN))
        if parts
    ]
    return re.compile(rf"(?:要|就|帮我|麻烦|可以|现在)*(?:{'|'.join(ways)})")


def _is_question(plain: str, start: int, end: int, stop: re.Pattern[str] = _CLAUSE_END) -> bool:
    """Whether the piece with the answer, up to `stop`, asks: "yes?", 可以退吗."""
    border = stop.search(plain, end)
    return bool(_QUESTION.search(plain[start : border.end() if border else len(plain)]))


def choices(text: str, options: Mapping[str, Sequence[str]]) -> list[Found[str]]:
    """The options that `text` names, in reading order; those it rules out ("not the red") aside.

    `options`: each option's name to other words for it; the name counts too. "The second one",
    第二个 and a lone number mean a place in the list, where no option is named.
    """
    plain = folded(text)
    words = {
        folded(word): name
        for name, others in options.items()
        for word in (name, *others)
        if word.strip()
    }
    found = [
        Found(words[word], match.start(), match.end(), text[match.start() : match.end()])
        for word in words
        for match in whole_word(word).finditer(plain)
        if not _NOT_THIS.search(plain[: match.start()])
    ]
    return first_of_overlapping(found) or _by_place(text, plain, list(options))


@lru_cache(maxsize=4096)
def whole_word(word: str) -> re.Pattern[str]:
    """`word` between borders where it has Latin letters or digits at its ends, with a plural s."""
    body = r"\s+".join(re.escape(part) for part in word.split())
    before = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", word) else ""
    after = r"(?:e?s)?(?![a-z0-9])" if re.search(r"[a-z0-9]$", word) else ""
    return re.compile(before + body + after)


def _by_place(text: str, plain: str, names: list[str]) -> list[Found[str]]:
    found = []
    for match in _PLACE.finditer(plain):
        said = next(part for part in match.groups() if part)
        number = _ORDINAL_WORDS.index(said) + 1 if said in _ORDINAL_WORDS else read_number(said)
        place = len(names) if said == "last" or said == "最后一" else number
        if place is not None and 1 <= place <= len(names):
            found.append(Found(names[int(place) - 1], *match.span(), text[slice(*match.span())]))
    return found


_PLACE = re.compile(
    rf"(?<![a-z])(?:the\s+)?({'|'.join(_ORDINAL_WORDS)}|last)(?:\s+(?:one|option|choice))(?![a-z])"
    rf"|^\s*(?:the\s+)?({'|'.join(_ORDINAL_WORDS)}|last)\s*[.!]?\s*$"
    r"|(?<![a-z])(?:option|number|no\.)\s*([0-9]{1,2})(?![0-9])|^\s*([0-9]{1,2})\s*[.)。]?\s*$"
    r"|第([一二两三四五六七八九十]{1,2}|[0-9]{1,2})(?:个|项|种)?|(最后一)个"
)


def free_text(text: str) -> Found[str] | None:
    """The whole message without the white space around it; None where nothing is left."""
    words = text.strip()
    start = len(text) - len(text.lstrip())
    return Found(words, start, start + len(words), words) if words else None
