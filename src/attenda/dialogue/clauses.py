"""The parts of a message: its clauses, and a clause without what is only polite.

People wrap what they want into a greeting, a reason or a story. The wish is mostly in one clause.
"""

import re

__all__ = ["clauses", "wishes_outright", "without_courtesies"]

_BORDER = re.compile(
    r"(?<!\d)[,.](?=\s|$)|[,.](?=\s)|[，。;；!！?？…\n]+|\s+[-–—]+\s+|—+"
    r"|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])"
    r"|\b(?:because|since|but|and so|so)\b|因为|所以|但是|不过"
)
_OUTRIGHT = re.compile(
    r"\b(?:i|we)(?:'d| would)? (?:want|need|wish|like)\b|\bplease\b"
    r"|我[要想]|想要?[申把退换查改取]|申请|帮我",
    re.IGNORECASE,
)
_SAYS_SOMETHING = re.compile(r"[^\W\d_]{2,}\W+(?:\w+\W+)*?[^\W\d_]{2,}|[\u3400-\u9fff]{3}")
_COURTESY = re.compile(
    r"(?:您好|你好|哈喽|在吗|在不在|打扰(?:一下|您|你)?了?|不好意思|抱歉"
    r"|请问(?:一下)?|(?:麻烦|劳驾|劳烦|烦请|拜托)(?:您|你)?们?|谢谢(?:您|你|啦|了)?|多谢|辛苦(?:您|你)?了?"
    r"|请(?:您|你)?(?:帮忙|协助|受理|查收|核实)|请?(?:您|你)们?(?=帮|给)|帮(?:我|忙)一?下?"
    r"|(?:您|你)?(?:可不可以|能不能|能否|可否|是否可以|方便的话)"
    r"|[吧呗啦哈嘛呀哦啊呢哇咯](?=$|[\s，。,.!！?？；;]))"
)


def clauses(text: str) -> list[str]:
    """The clauses of a message that say something, in order; none where it is one clause."""
    parts = [part.strip() for part in _BORDER.split(text)]
    said = [part for part in parts if _SAYS_SOMETHING.search(part)]
    return said if len(parts) > 1 else []


def wishes_outright(clause: str) -> bool:
    """Whether a clause says what is wanted, whatever the others tell."""
    return _OUTRIGHT.search(clause) is not None


def without_courtesies(text: str) -> str:
    """A message in Chinese without greetings, pleas, thanks and closing particles.

    An embedder that knows little Chinese and character n-grams take them for the message. The
    message itself where nothing else is left.
    """
    left = re.sub(r"^[\s，。,.!！]+|(?<=[，。])[\s，。]+", "", _COURTESY.sub("", text)).strip()
    return left if re.search(r"[\u3400-\u9fff]{2}|[^\W\d_]{2}", left) else text
