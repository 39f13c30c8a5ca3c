"""A yes beside a story: "I slept on it, so yes, please do", 好，办吧，家里等着呢.

Chatty people say why before they say yes, or tell something behind it. What ends or begins such a
message must be made of words of assent alone, and the rest may set no condition, name no other
thing, doubt, put off or ask; behind a yes it may wish for nothing either. English and Chinese.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from itertools import islice

from attenda.dialogue.extract_span import Found, folded

__all__ = [
    "another_matter",
    "concluding_answer",
    "opening_assent",
    "wholly_agrees",
    "without_pleading",
]

_YES = (
    r"(?:(?:an? )?(?:big|plain|clear|firm|definite|hell|heck) )?"
    r"(?:y+[ea]+[sp]+|y+[ea]+h*|yu?h+|yu+p|aye)|sure(?: thing)?|go 4 it"
    r"|let'?s (?:do|go (?:ahead|for))(?: (?:it|that|this|so))?"
    r"|ok(?:ay|ey|ok)?|of course"
    r"|absolutely|certainly|definitely|agreed|confirmed|by all means|no problem"
    r"|okie dokie|okey dokey|oki(?:e|es)?|ya+s*|yes+ir"
    r"|sounds (?:good|great|fine|right|perfect|lovely)"
    r"|(?:that|this|it)(?:'d| would| will|'ll) be (?:just )?"
    r"(?:lovely|great|perfect|fine|good|wonderful|brilliant|ideal|super|fantastic|nice"
    r"|ok(?:ay)?|all right)"
    r"|(?:that|this|it) (?:works|suits me|will do)(?: (?:fine|well|perfectly))?(?: for (?:me|us))?"
    r"|(?:(?:i am|i'?m|we are|we'?re) )?(?:perfectly |quite |very )?"
    r"(?:happy|fine|ok(?:ay)?|content) (?:with|by) (?:it|that|this|me|us)"
    r"|(?:i |we )?(?:accept|consent|approve|agree to (?:it|that|this))"
    r"|(?:it|that|this)(?:'?s| is) (?:a )?(?:plain |clear |firm |big |definite )?yes"
    r"|(?:my|the|our) answer is (?:a )?yes"
    r"|that(?:'s| is)(?: exactly| just)? what i (?:want(?:ed)?|asked for|meant|need)"
    r"(?:\W+isn'?t it\?)?"
    r"|you(?:'ve| have)(?: got)? my (?:yes|ok(?:ay)?|blessing|permission|consent)"
    r"|i(?: would|'d)? (?:say yes|agree|confirm)"
    r"|(?:it|that|this)(?:'?s| is| all is| looks| all looks) (?:right|correct|fine|ok(?:ay)?|good)"
    r"|(?:do|go(?: ?a?h(?:ea|ae|e|a)d| (?:on|for it|through))|proceed|continue|carry on)"
    r"(?: and (?:do|make))?(?: exactly| just)?"
    r"(?: (?:it|that|so|this|(?:the|this|that)"
    r" (?:change|refund|exchange|return|cancellation|claim)))?"
    r"|put (?:it |that |this )?through|go through with (?:it|that|this)|carry (?:it|that|this) out"
    r"|(?:carry out|see to|arrange|process|execute|issue|perform|complete)"
    r" (?:it|that|this|(?:the|this|my) (?:change|refund|exchange|return|cancellation|claim))"
    r"|(?:i|we)(?: would|'?d| should| shall| will|'?ll) be"
    r" (?:(?:very|so|most|much|quite|really|ever so) )?(?:glad|grateful|happy|obliged|pleased"
    r"|thankful|delighted)(?: if you (?:did|went ahead)(?: (?:so|that|it|this))?)?"
    r"|(?:i am|i'?m|we are|we'?re) (?:in agreement|fine with (?:it|that|this))"
    r"|make (?:it (?:so|happen)|(?:the|this|that) change)"
    r"|(?:get|have|(?:i|we)(?: would|'d)? (?:like|want)) (?:it|that|this)(?: to be)? done"
)
_BESIDE = (
    r"alri(?:te|ght)|aight|righto|indeed|k+(?![a-z])"
    r"|mate|dear|love|sir|madam|ma'am|hun|pal|guys|right (?:away|now)|straight away|anyway"
    r"|lovely|excellent|wonderful|perfect|please|pls|plz|kindly|just|go(?=[\s.!]*$)|oh"
    r"|you (?:can|may|should|could)"
    r"|from (?:me|us)|for me|now|then|well"
    r"|(?:i|we)(?: would|'d) (?:(?:like|want|love)(?: for)?(?: you to| (?:it|that|this))?"
    r"|be (?:glad|happy|grateful))"
    r"|if you (?:did|would|could|please|passed|put|sent|made)(?: (?:that|so|it|this))?"
    r"(?: on| through)?|(?:that|this) way"
    r"|(?:i|we) want you to|to|feel free"
    r"|thanks?(?: you)?|thx|ty|tysm|thn?x|tnx|cheers|ta|very much|a lot|all right|but|and|so"
    r"|with (?:it|that|this)"
)
_YES_HAN = (
    r"[你您](?:上面)?说的(?:来|办|做|弄)|没有?(?:错|问题|意见|异议|毛病)|就是(?:这个|它|这样)|是这[个样]"
    r"|就要?这[样么]|那就(?:麻烦|拜托|有劳|辛苦)[你您]们?[了啦]|(?:是|对|好|行|[可阔]以)[的滴哒]?|[嗯恩]+|成(?!都|功|本|人|为|员)|中|妥|[要得]得|得嘞|木问题"
    r"|正合我意|正有此意|求之不得|太好了|没得说|[阔可]以|妥妥|当然好|没[啥什]么?(?:问题|意见|可说的|说的)|无异议|无误"
    r"|(?:就|那就)?(?:这[样么]|按.{0,3}这[个样])(?:来|办理?|做|弄|处理|吧|着)|准了?(?=[\s，。！]|$)"
    r"|(?:进行|进入|走)下一步|必须(?=的|可以|[\s，。！]*$)|可+(?=[\s，。！]*$)|o的|同意|赞成|赞同|确认|确定|当然"
    r"|(?:办理?|弄|整|处理|做|定|记录?|登记|转交|转达|上?报|写|继续|进行|着手|操作|执行|提交|搞|办妥)"
    r"(?:[下上]去?|一下|好|掉)?"
)
_BESIDE_HAN = (
    r"那么?|就(?:行|好|是了)?|[你您](?:上面)?说的|[你您]们?|请|予以|麻烦(?:[你您]了?|了)|劳[烦驾]|现在"
    r"|马上|赶[紧快]|尽[快管]|快点儿?|抓紧|速度|立刻|立即|早点|快|直接|[给帮替为]我|给(?=[办弄做退换改]|处理|取消)|代为|并|去|过去|都|也|接着|往下|按照?|照着?|依|这[个样么]|此|着|一下|可以"
    r"|(?:[送寄]到?)?[这那](?:儿|里|边)"
    r"|[吧呗啦啊哈哦呀嘛了的呢咯呐亲]|谢谢[你您]?|多谢|辛苦[你您]?|拜托[你您]?"
    r"|我(?=有?[没确同])|我?(?:考虑|想)(?:好|清楚)了|我(?:明白|知道|清楚|看过)"
)
_NO = re.compile(
    r"(?:(?:so|but|and|then|anyway),?\s+)?(?:no+|nope|nah|(?:no,? )?(?:please )?(?:don'?t|do not)"
    r"(?: do (?:it|that))?|(?:i(?:'d| would) )?rather not|leave it)"
    r"(?:[\s,]+(?:please|thanks?(?: you)?))*[\s.!]*"
    r"|(?:那|就|还是)*(?:算了|不用了|不要了|先?不办了|别办了)(?:[吧啦]|谢谢[你您]?|[\s，。！])*"
)
_PLEADING = re.compile(
    r"(?<![a-z])(?:if (?:you(?:'d| would| could| can| will| may)?(?: please)?"
    r"(?: (?:be )?(?:so|very|that) (?:kind|good|nice))?(?: (?:do|make) (?:it|that|so|this))?"
    r"(?: (?:don'?t|do not|wouldn'?t) mind)?"
    r"|i may(?: say so)?|(?:that|it|this)(?:'s| is| will be| would be)?"
    r" (?:all right|alright|ok(?:ay)?|fine|no (?:trouble|bother|problem)"
    r"|not too much (?:trouble|bother)|possible|convenient)(?: (?:with|for|by) you)?)"
    r"(?=\s*(?:$|[,.;!]))"
    r"|(?:be )?(?:so (?:kind|good) as to|(?:kind|good) enough to)(?![a-z]))",
    re.IGNORECASE,
)
"""It sets no condition: "if you would be so kind", "be so good as to"."""
_MOST_PARTS = 20
"""Of a message, at its end or its beginning, in which a yes is looked for."""
_BETWEEN = re.compile(r"[\s,，.。!！;；、~…-]*")
_BORDER = re.compile(
    r"\s+(?:and|so)\s+(?=(?:(?:it'?s|that'?s|my answer is) (?:a )?(?:plain |big )?)?yes\b)"
    r"|[,，.。!！;；:：…\n]+\s*|(?<=[\u3400-\u9fff])\s+"
)
_MERELY = (
    r"(?:live once|money|fair|right|natural|human|too (?:happy|glad|pleased)"
    r"|(?:just )?(?:waiting for you|asking|wanted to be sure|kidding|joking))"
)
_WAITED = (
    r"不及|不了|着(?![看瞧](?!呢))|得(?:太|好|很|花|着急)|了(?:很|好|半|这么|那么|[一二三两几]|太)"
    r"|个(?:结果|准信)"
)
_RHETORIC = re.compile(
    r"(?:(?:well|so|oh)\W+)?(?:(?:what|who) (?:are|were|am) (?:we|you|i) waiting for"
    r"|why (?:ever )?(?:not|wait|wouldn'?t i|shouldn'?t i)|who (?:wouldn'?t|could say no)"
    r"|what (?:else )?(?:could|can|should|shall) i (?:say|do)(?: but yes)?|what'?s not to like"
    r"|what have i got to lose|how could i (?:refuse|say no)"
    r"|还等什么|有什么不[行好可]以?的?|何乐而不为)\s*[?？!！]+"
)
"""Questions to which nobody wants an answer."""
_FORBIDS = re.compile(
    rf"[?？0-9]|(?<![a-z])(?:if|unless|provided|as long as|until|only(?! {_MERELY})"
    r"|once (?:i|you|we|it|they|my|your|the|that|this|he|she)|except|instead|others?|another"
    r"|different|rather|wait|hold on|(?<!than )(?<!or )later|tomorrow|not sure|unsure|undecided"
    r"|maybe|perhaps|might|doubt|hesitat\w*|wrong|mistake|incorrect|stop|cancel|don'?t know"
    r"|(?:said|says?) no|never said|no longer)(?![a-z])"
    r"|(?:^|[,.!;]\s*)(?:please\s+)?(?:don'?t|do not|never"
    r"|no(?! (?:time like|objections?|harm|doubt|problem|reason not)))(?![a-z])"
    r"|如果|要是|除非|只[要有退换取改办修寄]|另[一外]|[换稍]"
    r"|(?<!没)(?<!没有)(?:别的|其[他它])(?!(?:的|方面)?[也都我]?[没不](?!是))"
    rf"|(?<!久)等(?!{_WAITED}|[你您]这)|改(?!天)|先(?!生)|不确定|不知道|(?<![好可不])犹豫"
    r"|也许|可能|(?<!没)(?<!没有)错|不[对是行能想愿同要]|(?<![特个])别(?![人扭提的]|让.{1,6}(?:发现|知道|看[见到]))|取消|算了"
    r"|(?:吗|(?<!没什)么)(?=$|[\s，。,.!！])"
)
"""Beside a yes: a condition, another thing, doubt, delay, a no, a number or a question."""
_ANOTHER_MATTER = re.compile(
    r"(?<![a-z])(?:(?:like|want|need|wanna) to (?:know|ask|see|check|find out|hear)|wondering"
    r"|question|tell me|(?:can|could|would|will|do) you|by the way|btw"
    r"|(?:where|when|why|who|how|what|which)"
    r"(?:'?s| (?:is|are|was|were|am|do|does|did|can|could|will|would|shall|should|have|has|had"
    r"|much|many|long|about|far|soon|else))|where (?:my|the|it|that))(?![a-z'])"
    r"|想要?(?:知道|问|查|看|了解|咨询)|问一?下|请问|告诉我|在哪|哪[儿里个]|到哪|怎么|什么(?!都|问题)|多少|几[时点天个]"
    r"|(?:我的|[这那])[^，。,.!！]{1,8}呢(?=$|[\s，。,.!！?？])|还有[一个件]|另外|顺便"
)
_BY_THE_WAY = re.compile(r"对了[\s，,.。!！]*|by the way\W*")
_PUT_OFF = re.compile(
    r"\W*(?:(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|next (?:week|month|time)|later|soon"
    r"|明天|后天|以后|待会儿?|晚点儿?|回头|下[周次]|改天|过[几两]天)(?:[再吧]|\W)*"
)
_EAGER = re.compile(
    r"(?<![a-z])(?:can'?t|cannot|can hardly) wait(?! (?:for|until|till) )(?![a-z])"
    r"|(?:等不及|迫不及待)[要想]?|(?:谢谢|多谢|感谢)[你您]们?(?:耐心)?(?:地)?等(?:我|待|候)?"
)
_WISHES = re.compile(
    r"(?<![a-z])(?:but|though|although|however|please|pls|wants?|wanted|needs?|wish(?:es)?|like|prefers?"
    r"|send|ship|make|give|take|add|keep|leave|put|use|change|cancel|refund|exchange|return|not"
    r"|can you|could|would you|should|must|also|too|as well|both|all of|everything|amount"
    r"|after(?! all)|before|as soon as|address|size|colou?rs?|when|what|where|which|who|how|why"
    r")(?![a-z])"
    r"|但|不过|可是|只是|请|帮|想|把|[送寄退换改]|给我|要(?!不是)|也(?=[要退换改想给取开寄送]|一[起并])|还有|顺便|再|记得"
    r"|什么|怎|哪|谁|几"
)
"""Behind a yes: something more is wished, or asked."""


def without_pleading(text: str) -> str:
    """The same length of text, with spaces for what is only there to be polite."""
    return _PLEADING.sub(lambda one: " " * len(one.group()), text.replace("’", "'"))


def another_matter(text: str) -> bool:
    """Whether a text, folded, asks something or brings up another thing."""
    return _ANOTHER_MATTER.search(text) is not None


def concluding_answer(text: str, agreeing: Collection[str] = ()) -> Found[bool] | None:
    """The yes, or the plain no, with which a message ends, or None.

    A message that is nothing but assent counts as well: "Yes, that is right, make the change".
    `agreeing` are words that are a yes to what was asked, with a "+" those that are none alone.
    """
    plain = folded(text)
    words = _words(tuple(agreeing))
    for at in (0, *(border.end() for border in [*_BORDER.finditer(plain)][-_MOST_PARTS:])):
        if at and _NO.fullmatch(plain, at):
            return Found(False, at, len(text), text[at:])
        if _is_assent(plain, at, words) and not _FORBIDS.search(_RHETORIC.sub(" ", plain[:at])):
            return Found(True, at, len(text), text[at:])
    return None


def opening_assent(text: str, agreeing: Collection[str] = ()) -> Found[bool] | None:
    """The yes with which a message begins that only tells something behind it, or None.

    `agreeing` as for `concluding_answer`.
    """
    plain = folded(text)
    words = _words(tuple(agreeing))
    for border in reversed([*islice(_BORDER.finditer(plain), _MOST_PARTS)]):
        rest = _EAGER.sub(" ", plain[border.end() :])
        if _is_assent(plain[: border.start()], 0, words):
            aside = _BY_THE_WAY.fullmatch(plain, 0, border.start()) or _PUT_OFF.fullmatch(rest)
            beside = (_FORBIDS, _WISHES, _ANOTHER_MATTER)
            idle = not (aside or any(one.search(rest) for one in beside))
            return Found(True, 0, border.start(), text[: border.start()]) if idle else None
    return None


def wholly_agrees(text: str, agreeing: Collection[str]) -> Found[bool] | None:
    """The yes of a message in which every word assents: "yes, cancel", where that is asked."""
    if _is_assent(folded(text), 0, _words(tuple(agreeing))):
        return Found(True, 0, len(text), text)
    return None


def _is_assent(plain: str, at: int, words: re.Pattern[str]) -> bool:
    """Whether all from `at` on are words of assent, one of them a yes."""
    agrees = False
    while True:
        at = _BETWEEN.match(plain, at).end()  # type: ignore[union-attr]
        if at == len(plain):
            return agrees
        word = words.match(plain, at)
        if word is None:
            return False
        agrees = agrees or word.lastgroup == "yes"
        at = word.end()


@lru_cache(maxsize=64)
def _words(agreeing: tuple[str, ...]) -> re.Pattern[str]:
    """One word of assent, or one that may stand beside it."""
    own = sorted(filter(None, map(folded, agreeing)), key=len, reverse=True)
    beside = [one[1:] for one in own if one.startswith("+")]
    alone = [one for one in own if not one.startswith("+")]
    yes = _either(alone, _YES, _YES_HAN)
    return re.compile(rf"(?P<yes>{yes})|(?P<beside>{_either(beside, _BESIDE, _BESIDE_HAN)})")


def _either(own: list[str], latin: str, han: str) -> str:
    """A pattern of a flow's own words and of those of everybody."""
    what = r"(?: (?:it|that|(?:the|this|my) (?!other|wrong|next|first|second|last|rest)[a-z]+))?"
    plain = [re.escape(one) + what for one in own if one.isascii()]
    other = [
        rf"{re.escape(one)}(?:(?<=办)理)?(?:过来|一下|[掉了好])?"
        for one in own
        if not one.isascii()
    ]
    return rf"(?:{'|'.join([*plain, latin])})(?![a-z'])|{'|'.join([*other, han])}"
