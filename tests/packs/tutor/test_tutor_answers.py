"""An answer is found in the sentence that gives it, and a number that is none is left alone."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.api import Label, Labelled
from attenda.dialogue.state import DialogueState, Frame
from attenda.packs.tutor.answers import answer_in, asks_to_be_told, said_number
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.item import Item
from attenda.packs.tutor.numbers import read_number
from attenda.packs.tutor.pack import heard_first

ANSWERS = """
24 yea | Half an hour it took me, but the result's 24. | my solution's 24
掰着手指头数了，两遍都得 24 | 请问和是不是 24 | 我比较倾向于 24 | 或是 24 吧
写在手上了，可别告诉我爸，是 24
24 | twenty-four | I've come to 24 | it came to 24, I reckon | 24, that's my answer | = 24
I would answer with 24 | let it be 24 | Would 24 be right? | is 24 correct? | its gotta be 24
i rekon 24 | my anwser is 24 | answr: 24 | 24 rite | mabye 24 | i belive its 24 | teh answer is 24
I obtained 24. | which leaves 24 | gives me 24 | it works out as 24 | turns out to be 24
In my opinion it is 24. | By my calculation, 24 | Having worked it out, I get 24. | May I say 24?
I should like to offer 24. | I'd settle for 24. | im gonna go with 24 | hmm lemme think, 24
fingers crossed: 24 | I'll try 24 | make that 24 | changed my mind, 24 | I change my answer to 24
I had 42 before, now 24 | not 42 but 24 | it is 24, not 42 | 42, no wait, 24 | it isn't 42, it's 24
instead of 42 I get 24 | 24ish | 24!!! | 24 😀 | not sure, but 24 | I don't know, maybe 24
My dog ate my notes, but I still worked it out: 24. | It's hot in here. Anyway, I'd go with 24.
My brother has 3 cats and hates maths, I like it: 24! | got a new pen today and it says 24
I scribbled it on an old envelope and got 24. | 4 times 6 is 24 | 3*6=18, and 18 plus 6 gives 24
first I added 5 and 7, then doubled it, so 24 | no hint needed, I have 24 | x = 24
one dozen, so 24 | because of the cat I lost my notes, so it's just 24 | my calculator says 24
how about 24? | please take 24 as my answer | could you put 24 for me | when I add them I get 24
24, isn't it | hmm...24 | 嗯……24吧 | 二十四 | 得24 | 答24 | 填个24 | 瞎猜24 | 24呀 | 24是吧
难道是24 | 估计24
我寻思是24 | 依我看是24 | 我这边算出来是24 | 算了半天，24 | 有了，24 | 这下是24了吧 | 那现在24
我要改成24 | 换个答案，24 | 更正为24 | 哎呀算错了，24 | 不是42，是24 | 不是42而是24 | 把42改成24
42不对，应该24 | 刚才写42，现在改24 | 新答案是24 | 最后得24 | 正确答案是24 | 老师，24
您好，我的答案是24，请您查收。 | 请允许我回答24 | 我提交24 | 此题答案为24 | 这道题等于24
括号里填24 | x等于24 | 未知数是24 | 一共24 | 先乘后加得24 | 4乘6得24 | 我不太确定，大概24
窗外鸟叫得真好听，我算出来24。 | 我家狗老来捣乱，好不容易算完，得数24。
弟弟今年3岁老捣乱，不过我算得24 | 嘿嘿，我掰着手指头算的，24。
今天10月3号，天气不错，这题我觉得24 | 不用提示了，我算出24 | 谢谢提示，是24
"""
NO_ANSWERS = """
便条上写着：全班的成绩改成 24 | 三次都没做出来 | 我倾向于做 24 道题
is it bigger than 24 | at least 24 | definitely not 24 | it was never 24 | it can't possibly be 24
I don't think it's 24 | that isn't 24 | 24 is wrong | 24 doesn't fit
I thought 24 but that's wrong | why is it 24 | how did you get 24 | where did 24 come from
please explain how it is 24 | tell me why 24 | my cat is 3 | my teacher is 50 | my brother is 25
his answer was 24 | her answer is 24 | he says 24 | my neighbour thinks it's 24 | I am 11
i'm eleven | I'm 12 years old | I'll be 12 soon | I turn 12 | our house number is 24
my lucky number is 7 | bus 24 is late | I live in flat 24 | my locker is number 24 | question 4
I don't get question 4 | page 24 | I'm in grade 5 | step 3 please | hint 2 please | the 3rd one
give me 3 questions | could I have 2 hints | can we do 5 more | let's do 3 more | I need 2 hints
I want 5 | 5 more please | one more exercise please | another one | this one | no one
just one second | I've got 3 tests this week | I have 2 sisters | only 5 more minutes
wait 5 minutes | be back in 10 | dinner's at 6 | it's 6 pm | ends at 3 | I got up at 6
today it is 25 | it's 25 degrees outside | since 3 | I scored 24 | I got 3 wrong
I got a 2 in maths | we lost 3-2 | it cost me 24 | I ate 24 | I weigh 40 | 24 or 42
either 24 or 42 | 24 and 42 | 24, 42 | between 24 and 42 | 1/2 + 1/3 | half of 24 | 5 times 3
do I add 5 and 24 | first add 5 | skip to 24 | look at number 3 | set my mastery to 100
I keep getting 24 | I got 24, give me a hint | can I have a hint? I had 24 | it's 24, but why?
print(24) | half an hour | 不到24 | 比24大 | 小于24吗 | 肯定不是24 | 不可能是24 | 怎么会是24
为什么等于24 | 24是怎么来的 | 24错了 | 24不对 | 同桌说是24 | 我同学算的24 | 他写的24 | 我妈说24
我弟弟是25 | 我弟弟今年7 | 我24岁 | 我今年11了 | 小明得24 | 第24页 | 第4题 | 第三步看不懂
我在三年级 | 再给2个提示 | 给我3道题 | 来3题 | 我要做5题 | 我错了3题 | 我要24 | 还有5分钟
等我5分钟 | 5点吃饭 | 六点了 | 今天24号 | 今天25度 | 24路车 | 门牌24 | 考了24 | 满分100 | 24块钱
24还是42 | 24或42 | 24和42 | 24到42 | 24、42 | 5加3 | 先算5加3吗 | 要不要除以3 | 24的一半 | 半小时
一点点 | 等一下 | 再想一想 | 第一步怎么做 | 万一错了 | 十分难 | 星期三 | 初二 | 三角形 | 老三
老是得24 | 我喜欢24 | 我得24，给个提示 | 24，为什么不对 | 把掌握程度设成100 | 幸运数字24
24是我的学号 | 我有24
do you mean 24 | I got 24 last time | use 12 as denominator | we're number 1 | 12 / 3 is what
书后面的答案是24 | 要么24要么31 | 上一题是24 | 刚刚那题是24吧 | 题目上写的24 | is it over 24
last one was 24
先算12 | 题目里是12 | 上次得12 | 12个12
"""
QUANTITIES = {
    "so that gives 3000 m": "3000 m", "I think it's 60 cm², isn't it": "60 cm2",
    "60 square centimetres, right?": "60 square centimetres", "一共3050米吧": "3050米",
    "that's $12": "$12", "3 parsecs": "", "I live 3 km away": "", "我跑了3公里": "",
}  # fmt: skip


def sentences(table: str) -> list[str]:
    return [one.strip() for line in table.split("\n") for one in line.split("|") if one.strip()]


def test_an_answer_is_read_however_it_is_said() -> None:
    found = {said: said_number(said) for said in sentences(ANSWERS)}
    assert len(found) > 110
    assert [said for said, number in found.items() if not number or number.value != 24] == []


def test_a_number_that_is_no_answer_costs_no_try() -> None:
    found = {said: answer_in(said) for said in sentences(NO_ANSWERS)}
    assert len(found) > 150
    assert {said: words for said, words in found.items() if words} == {}


def test_a_unit_of_the_exercise_belongs_to_the_answer() -> None:
    for said, words in QUANTITIES.items():
        assert answer_in(said, lambda name: name.strip() in UNITS) == words, said


UNITS = {"m", "cm2", "square centimetres", "米", "€", "km", "公里"}


@pytest.mark.parametrize(
    ("said", "wants"),
    [
        ("do tell me what it comes to", True), ("oh please, out with the answer", True),
        ("what's the solution then", True), ("a little hint, please", True),
        ("explain it to me", True), ("id still like teh solutoin pls", True), ("answer: 7", False),
        ("打个岔，你把得数念出来吧", True), ("能提示我一下吗", True),
        ("show me my plan", False), ("how am I doing", False), ("what is my progress", False),
        ("I want to talk to a person, please help me", False), ("24 is my answer", False),
        ("thanks for the hint", False), ("看看我的进度", False),
        ("help me make a plan", False), ("能看看我的学习结果吗", False), ("找人工帮我", False),
    ],
)  # fmt: skip
def test_asking_for_the_answer_in_disguise(said: str, wants: bool) -> None:
    assert asks_to_be_told(said) is wants


class Words:
    """What was said, and where."""

    label = Label()

    def __init__(self, text: str, flow: str = "practice", role: str = "agent") -> None:
        self.text = text
        self.given = SimpleNamespace(names={"user": Labelled(value={"role": role})})
        frames = (Frame(flow=flow, fingerprint="", instance="i"),) if flow else ()
        self.state = DialogueState(frames=frames)


def test_while_an_exercise_waits_an_answer_goes_to_it() -> None:
    for said in ("24 for me", "cmon tell me what it comes to", "24 so far"):
        (first,) = heard_first(Words(said))  # type: ignore[arg-type]
        assert (first.slot, first.words) == ("answer", said)  # type: ignore[union-attr]
        assert heard_first(Words(said, "")) == []  # type: ignore[arg-type]
        assert heard_first(Words(said, "plan")) == []  # type: ignore[arg-type]
    for other in ("how am I doing", "show me my plan", "can I talk to a human"):
        assert heard_first(Words(other)) == []  # type: ignore[arg-type]
    (danger,) = heard_first(Words("the answer is 24 and I want to die"))  # type: ignore[arg-type]
    assert danger.flow == "safeguard"  # type: ignore[union-attr]


def test_to_begin_is_to_practise_where_nothing_is_under_way() -> None:
    for said in ("okay, let's go!", "I'm ready.", "keep going", "继续吧", "好，开始吧"):
        (first,) = heard_first(Words(said, ""))  # type: ignore[arg-type]
        assert first.flow == "practice"  # type: ignore[union-attr]
        assert heard_first(Words(said, "", "supervisor")) == []  # type: ignore[arg-type]
        assert heard_first(Words(said, "plan")) == []  # type: ignore[arg-type]
    for other in ("start an exam", "let's go home", "开始考试", "继续看报告"):
        assert heard_first(Words(other, "")) == []  # type: ignore[arg-type]


@given(
    st.lists(
        st.sampled_from(
            [*"not or number is I 24 42 12: = , ? 得 是 改 题 不 24 先 个 to at the answer".split(),
             "last time", "因为", "minus", "(", "/", "half", "-", "'"]
        ), max_size=9,
    ).map(" ".join)
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_any_heap_of_words_is_read_without_an_accident(said: str) -> None:
    words = answer_in(said)
    assert not words or read_number(words) is not None


def test_words_said_over_and_over_are_read_at_once() -> None:
    for heap in ("好的" * 120 + "猫24", "24" + "好的吧" * 90 + "猫", "i think " * 35 + "cat 24"):
        assert answer_in(heap) == ""  # a reading that backtracks would never end


def test_sentences_are_graded() -> None:
    five_sixths = Item("i", "s", "number", {"en": "?"}, ("5/6",))
    for said, verdict in {
        "and now I make it 5/6": "right", "那这回改5/6": "right", "so it's 10/12 for me": "right",
        "not 2/5, five sixths": "right", "2/5 is all I get": "wrong", "my cat is 5": "unreadable",
        "1/2 + 1/3 makes 5/6": "right", "x" * 3000: "unreadable",
    }.items():  # fmt: skip
        assert grade(five_sixths, said).verdict == verdict, said
