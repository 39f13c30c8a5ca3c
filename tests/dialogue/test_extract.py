"""What a user said, found with the words that said it; English and Chinese."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attenda.dialogue.extract_amounts import Money, amounts, percents, quantities
from attenda.dialogue.extract_answers import choices, free_text, yes_or_no
from attenda.dialogue.extract_contacts import emails, ids, phones
from attenda.dialogue.extract_dates import dates
from attenda.dialogue.extract_span import Found
from attenda.dialogue.extract_times import instant, times
from attenda.dialogue.small_talk import greets

WEDNESDAY = date(2026, 3, 4)
MUGS = {"red mug": ["red", "红色"], "blue mug": ["blue", "蓝色"], "plate": ["盘子"]}


def values(found: list[Found[object]]) -> list[object]:
    return [one.value for one in found]


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("tomorrow", "2026-03-05"),
        ("the day after tomorrow", "2026-03-06"),
        ("Friday", "2026-03-06"),
        ("Wednesday", "2026-03-11"),
        ("this Friday", "2026-03-06"),
        ("next Friday", "2026-03-13"),
        ("Friday next week", "2026-03-13"),
        ("last Wednesday", "2026-02-25"),
        ("on Thu", "2026-03-05"),
        ("in two weeks", "2026-03-18"),
        ("3 days ago", "2026-03-01"),
        ("a month from now", "2026-04-04"),
        ("10 March", "2026-03-10"),
        ("the 10th of April", "2026-04-10"),
        ("Mar 3rd", "2027-03-03"),
        ("March 10th, 2027", "2027-03-10"),
        ("29 Feb", "2028-02-29"),
        ("the twenty-first", "2026-03-21"),
        ("13th of this month", "2026-03-13"),
        ("the 2nd of next month", "2026-04-02"),
        ("2026-03-10", "2026-03-10"),
        ("3/10", "2026-03-10"),
        ("13/10/2026", "2026-10-13"),
        ("10.03.2026", "2026-03-10"),
        ("明天", "2026-03-05"),
        ("大后天", "2026-03-07"),
        ("周五", "2026-03-06"),
        ("下周五", "2026-03-13"),
        ("下下周一", "2026-03-16"),
        ("上星期天", "2026-03-01"),
        ("三天后", "2026-03-07"),
        ("3月10日", "2026-03-10"),
        ("三月十号", "2026-03-10"),
        ("２０２６年３月１０日", "2026-03-10"),
        ("明年一月二号", "2027-01-02"),
        ("下个月10号", "2026-04-10"),
        ("二十三号", "2026-03-23"),
    ],
)
def test_reads_a_date(words: str, day: str) -> None:
    (found,) = dates(f"{words}，thanks", WEDNESDAY)
    assert (found.value.isoformat(), found.words) == (day, words)


@pytest.mark.parametrize(
    "words", ["31 February", "30.02.2026", "2026-13-01", "the second one", "24/7", "3.10", "10号线"]
)
def test_finds_no_date_where_there_is_none(words: str) -> None:
    assert dates(words, WEDNESDAY) == []


def test_the_locale_decides_which_number_is_the_month() -> None:
    assert values(dates("3/10", WEDNESDAY, locale="en-GB")) == [date(2026, 10, 3)]
    assert values(dates("3/10", WEDNESDAY, locale="zh-CN")) == [date(2026, 3, 10)]


def test_a_purchase_lies_in_the_past() -> None:
    said = "bought it on 10 March, no, on Friday the 27th"
    assert values(dates(said, WEDNESDAY, prefer="past")) == [
        date(2025, 3, 10),
        date(2026, 2, 27),
        date(2026, 2, 27),
    ]


@pytest.mark.parametrize(
    ("words", "clock"),
    [
        ("half past three", "15:30"),
        ("3pm", "15:00"),
        ("3:30 p.m.", "15:30"),
        ("15:30", "15:30"),
        ("03:30", "03:30"),
        ("8:15", "08:15"),
        ("quarter to five", "16:45"),
        ("half past 11 in the morning", "11:30"),
        ("three in the afternoon", "15:00"),
        ("evening 6:30", "18:30"),
        ("10 o'clock", "10:00"),
        ('2 o"clock in the afternoon', "14:00"),
        ("12 am", "00:00"),
        ("noon", "12:00"),
        ("下午三点半", "15:30"),
        ("上午10点", "10:00"),
        ("晚上8点20分", "20:20"),
        ("中午12点", "12:00"),
        ("凌晨两点", "02:00"),
        ("三点一刻", "15:15"),
    ],
)
def test_reads_a_time(words: str, clock: str) -> None:
    (found,) = times(f"{words}, 谢谢")
    assert (found.value.isoformat("minutes"), found.words) == (clock, words)


def test_a_time_may_end_a_sentence() -> None:
    assert values(times("Come at 14:00. Or 9.30.")) == [time(14), time(9, 30)]


@pytest.mark.parametrize("words", ["25:00", "€3.30", "at 200 Main St", "第三点", "3.5.2026"])
def test_finds_no_time_where_there_is_none(words: str) -> None:
    assert times(words) == []


def test_an_hour_without_a_half_is_within_the_hours_given() -> None:
    assert values(times("at 6", earliest_hour=5)) == [time(6)]
    assert values(times("at 6", earliest_hour=9)) == [time(18)]


def test_a_clock_change_skips_or_repeats_no_appointment() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert instant(date(2026, 3, 29), time(2, 30), berlin) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )
    assert instant(date(2026, 10, 25), time(2, 30), berlin) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("words", "value", "currency"),
    [
        ("€39.90", "39.90", "EUR"),
        ("200 dollars", "200", "USD"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("US$ 1,234.50", "1234.50", "USD"),
        ("$5k", "5000", "USD"),
        ("two hundred dollars and fifty cents", "200.50", "USD"),
        ("50 cents", "0.50", "USD"),
        ("CHF 1'299.00", "1299.00", "CHF"),
        ("三百元", "300", "CNY"),
        ("￥39.9", "39.9", "CNY"),
        ("三块五", "3.5", "CNY"),
        ("1.5万元", "15000", "CNY"),
        ("一百二十欧元", "120", "EUR"),
    ],
)
def test_reads_an_amount(words: str, value: str, currency: str) -> None:
    (found,) = amounts(f"about {words}, please")
    assert (found.value, found.words) == (Money(Decimal(value), currency), words)


def test_money_dates_and_ids_are_no_quantities() -> None:
    said = "two mugs and 3 plates for $5 on 10 March, order O-1042, 两个杯子，五本书"
    taken = [*dates(said, WEDNESDAY), *ids(said, r"O-\d{4}")]
    found = quantities(said, taken)
    assert [(int(one.value.count), one.value.unit) for one in found] == [
        (2, "mugs"),
        (3, "plates"),
        (2, "个"),
        (5, "本"),
    ]


@pytest.mark.parametrize("words", ["the other one", "this one is broken", "one of them", "10%"])
def test_a_pronoun_is_no_quantity(words: str) -> None:
    assert quantities(words) == []


def test_a_percentage_is_read_by_its_sign_and_in_chinese() -> None:
    said = "from 50% 到百分之百，或者百分之95"
    assert [one.value.count for one in percents(said)] == [50, 100, 95]


def test_an_id_is_found_however_it_is_typed() -> None:
    said = "o1042, O 1043, o – 1044 and Ｏ－１０４５, not O-10426 nor to 1042"
    assert values(ids(said, r"O-\d{4}")) == ["O-1042", "O-1043", "O-1044", "O-1045"]
    assert values(ids("rma 12 ab3", r"RMA\d{2}-[A-Z]{2}\d")) == ["RMA12-AB3"]


def test_an_id_of_several_forms_is_the_longest_of_them() -> None:
    form = r"\d{4,5} | \d{4} [A-Z]{2} | [A-Z]\d[A-Z] \d[A-Z]\d"
    said = "1012lg, 10115 or k1a 0b1, not 101"
    assert values(ids(said, form)) == ["1012 LG", "10115", "K1A 0B1"]


@pytest.mark.parametrize("pattern", ["(a|b)", "O-.*", "^O"])
def test_a_pattern_that_is_more_than_a_form_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        ids("O-1042", pattern)


def test_mail_and_phone() -> None:
    said = "Ann.B@Example.co.uk or +49 (30) 123-4567, 13812345678; on 2026-03-10, for 1.299.000"
    assert values(emails(said)) == ["ann.b@example.co.uk"]
    assert values(phones(said)) == ["+49301234567", "13812345678"]


YES = (
    "yes please|Yes|OK|sure, go ahead|that's right|well, yes|no problem|please do|"
    "Yes, that is right. Is it free?|Sounds great.|That'll work|"
    "k, do it|all right then, let's go|I'm sure|go on then|yes please, if you can|"
    "yes that's what I want|好的，谢谢|是的|对|可以|没问题|嗯|行|行吧行吧|对对对|好的好的|"
    "好麻烦您了|好开吧|确认退款"
)
NO = (
    "I do not wish to book|no, the other one|nope|no thanks|don't|not now|never mind|"
    "No, I want the red one|"
    "不用了|算了|不|不是|没有|别"
)
NEITHER = (
    "Yes, what does it cost?|Yeah actually, try Lotus|OK, another one then|"
    "hmm, wait|maybe|yes, but change the address|yes?|okay but not today|I don't know|not sure|"
    "yesterday|right now I am busy|no idea|note this|"
    "等一下|可以退款吗|是不是|不知道|对不起|对了，我想问|"
    "I'm sure this is a mistake|go on holiday first|approved by whom|let's do it later|"
    "yes, if you waive the fee|all right|k what does it cost|行李|是是非非|好好想想|"
    "好贵|要是下雨呢|不错|没关系|好麻烦|好开心|允许我想想|同意书在哪|确认一下地址|好的，我再想想"
)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (words, meant)
        for meant, all_words in ((True, YES), (False, NO), (None, NEITHER))
        for words in all_words.split("|")
    ],
)
def test_only_a_plain_yes_counts(words: str, meant: bool | None) -> None:
    found = yes_or_no(words)
    assert (found.value if found else None) is meant


CHATTY_YES = (
    "My sister laughed at me for asking twice, and yes, please do it.|yesss pls|"
    "I rarely buy anything here, but sure, go ahead with it.|it's a yes from us|"
    "Well, the kettle is boiling, so yes, thanks, carry on.|"
    "So kind of you. Yes, I would like for you to do it now, thanks.|"
    "My sister nods, so yes, we'd like that done.|Right, yes, please make it happen.|"
    "ya sure go ahed|hell yes|you have my blessing|No time like the present, so yes, please.|"
    "Better now than later, I think, so yes, do it.|It's only money after all, so yes.|"
    "都等不及要看了，行，继续|等了半天，总算好了，没问题，办吧|别的也没什么，就这么定吧|"
    "不纠结了，办吧|嗯呐|恩恩，整吧|必须的|"
    "Yes, this is right, please make that change|"
    "you may proceed now|I never thought I'd say it, but ok, do that.|"
    "家里人都说合适，那就这么办吧。|没意见，您接着处理就行|我明白了，按你说的办|没错，就是这个，改吧|"
    "您读得很准，请为我改|谢谢你再念一遍。是这样，改过去就行|嗯嗯改过去吧|请您代为记录并转交|嗯写上吧|"
    "行，就这么报上去|对对就要这样|太好了，我回家就说。可以，去办吧|我赞成，请着手办理|"
    "It is off my chest. Yes, put it through.|I'm in agreement, please have it done|"
    "Yes, I would be grateful if you passed that on.|Yes, please go through with that.|"
    "叫您久等了，想好了，请帮我办理|这样处理挺好，请进行下一步|"
    "今天总算想清楚了，行，给我办了吧|对就这样 弄吧|"
    "I've thought about it over lunch and it's a yes.|"
    "Well, what are we waiting for? Yes, go ahead.|"
    "that would be lovely, thank you|okie dokie|yess go ahead thx|那就麻烦你了|"
    "没有异议，请按此办理。|"
    "等了半天就等你这句话呢，好，就这么办。|正合我意，就按这个来|没什么好犹豫的了，办吧|"
    "That sounds quite right to me, thank you. Yes, if you would be so kind, please do.|"
    "Well then, I have made up my mind. Yes, please do carry out the refund.|k yeah go for it|"
    "Yes, indeed, I would be very glad if you did, thank you kindly.|if it is no trouble, yes|"
    "I am quite content with that. Please be so good as to go ahead.|"
    "Of course, that's what I asked for, isn't it?|那当然啦，快改吧，我妈等着看呢。|"
    "是的没错，我妈都等不及要看了。|"
    "I should be most grateful if you would.|Yes, if that's all right with you.|"
    "麻烦您了，就这样办理吧，谢谢您啊|那就劳烦您给办一下吧，多谢多谢"
)
CHATTY_NO = "We talked it over at lunch, and no, thanks.|跟家里商量过了，还是算了吧"
CHATTY_NEITHER = (
    "yes, I'd like that done differently|we would like you to wait|I want that explained|"
    "would you like that done|if that is what it takes, we'd like that done|I'd like this|"
    "once I have it in hand, yes|yes once it has come|only the lamp, yes|later, yes|ya right|"
    "去哪办|写什么|请代为转告他我不同意|报上去有用吗|记下来再说|我要等一等，办理|下一步是什么|等他点头，可以|等钱到了就办吧|只退一件，好的|别的好，办吧|不用想，怎么办|"
    "The other one is nicer, yes|If it costs nothing, yes, do it|I am not sure. Yes|"
    "make it 3, yes please|My wife said no, ok|you can go|"
    "OK, I'd like to know where my order is now.|Right, I want to ask about my invoice.|"
    "Good, now where is it|yes, if you can do it by Friday|Yes, I do believe that is wrong|"
    "yes, the mug too|I would be glad if you did not|if you did that I would be angry|"
    "I should be grateful if you would wait|Please be so good as to wait|"
    "嗯，还有一个，我看看，我想知道这单现在在哪儿。|好，我想问一下我的发票|对了 运费多少啊|"
    "Yes, tomorrow.|ok, next week|sure, if my mum agrees|对，改成80%|改天吧|好，不过先别改|"
    "可以再说一遍吗|my mum is waiting|"
    "好的，还有一个问题，运费怎么算|行，那我的包裹到哪了|嗯，那个……我的快递呢|"
    "要是免费，那就办吧|换成另一个，好的|先等等，办吧|怎么办理|你们可以处理吗|好麻烦|"
    "好的话就办|what should I do|please|那就|请问|"
    "Sure, after my holiday.|Yes, as soon as my wife agrees|"
    "yes, once it has come|没问题才怪|"
    "正合我意才怪|"
    "That would be lovely if it came with a new one.|You broke it. Perfect.|麻烦你了|"
    "你们改好等你确认，行|let's do that tomorrow|I'd be happy with a new one|好什么好"
)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (words, meant)
        for meant, all_words in ((True, CHATTY_YES), (False, CHATTY_NO), (None, CHATTY_NEITHER))
        for words in all_words.split("|")
    ],
)
def test_a_yes_may_come_last_but_then_alone(words: str, meant: bool | None) -> None:
    found = yes_or_no(words, ["改"])
    assert (found.value if found else None) is meant


@pytest.mark.parametrize(
    "words",
    [
        "Oh lovely, yes, do that, my mother said it would never be this easy.",
        "Yes, perfect, change it, I can't wait to unpack it there.",
        "Yes, go ahead with that, my father will laugh when I tell him.",
        "对，就这么办，别让我老公发现我也下了单，哈哈。",
        "没错，请您帮我改过来。", "对对，就这儿，改吧，等着在新家拆快递呢。",
        "行，改，我下周就搬家了",
    ],
)  # fmt: skip
def test_a_yes_may_come_first_with_a_story_behind_it(words: str) -> None:
    found = yes_or_no(words, ["改", "change"])
    assert found is not None and found.value


@pytest.mark.parametrize(
    "words",
    [
        "Yes, change it, and the other order too", "yes, do that, what happens with the mug?",
        "Yes, perfect, I can't wait until Monday for it", "yes, do it, only the mug",
        "yes, and my husband wants the red one", "好，我老公要红色的",
        "ok do it, I need it sent to my office", "go ahead, I'll tell you the amount tomorrow",
        "对，改吧，改成另一个地址", "行，改吧，顺便把发票寄给我", "可以，办吧，等我问下老婆",
        "没错，就送那儿，要是他在家的话", "行，改吧，不是那个地址", "好，改吧，钱退到我老婆卡上",
    ],
)  # fmt: skip
def test_a_yes_with_another_wish_behind_it_is_none(words: str) -> None:
    assert yes_or_no(words, ["改", "change"]) is None


@pytest.mark.parametrize(
    ("words", "greeting"),
    [
        ("Hi", True), ("Hello there!", True), ("What can you do?", True), ("老师好", True),
        ("你好，你能做什么？", True), ("怎么用", True), ("早", True),
        ("hi, where is my order", False), ("早点发货", False), ("能退什么", False),
        ("what can you do about my refund", False), ("", False),
    ],
)  # fmt: skip
def test_a_greeting_says_nothing_else(words: str, greeting: bool) -> None:
    assert greets(words) is greeting


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("yes, cancel", True), ("ok cancel it please", True), ("对，取消。", True),
        ("嗯嗯取消吧", True),
        ("cancel", None), ("取消", False), ("no, cancel", False), ("don't cancel", False),
        ("yes, but cancel the other one", None), ("先别取消", None), ("cancel my account", None),
    ],
)  # fmt: skip
def test_a_word_beside_a_yes_is_none_alone(words: str, meant: bool | None) -> None:
    found = yes_or_no(words, ["+cancel", "+取消"])
    assert (found.value if found else None) is meant


def test_words_of_assent_are_read_in_time_that_grows_with_their_number() -> None:
    assert yes_or_no("就" * 20_000) is None and yes_or_no("please " * 5_000 + "?") is None


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("sign it", True),
        ("签署吧", True),
        ("sign of what", None),
        ("签署人是谁", None),
        ("show me", True),
        ("show me what you would write", None),
    ],
)
def test_words_of_agreement_in_a_question_agree_to_nothing(words: str, meant: bool | None) -> None:
    found = yes_or_no(words, ["sign", "签署", "show me"])
    assert (found.value if found else None) is meant


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("the red one", ["red mug"]),
        ("not the red, the blue", ["blue mug"]),
        ("Red Mug and two plates", ["red mug", "plate"]),
        ("不要红色，要蓝色", ["blue mug"]),
        ("the second one", ["blue mug"]),
        ("第三个", ["plate"]),
        ("2", ["blue mug"]),
        ("the last one", ["plate"]),
        ("reddish", []),
        ("option 4", []),
    ],
)
def test_chooses_among_options(words: str, names: list[str]) -> None:
    assert values(choices(words, MUGS)) == names


EXTRACTORS: list[Callable[[str], list[Found[object]]]] = [
    lambda text: dates(text, WEDNESDAY),
    lambda text: dates(text, date.min, prefer="past", locale="de"),
    lambda text: dates(text, date.max),
    times,
    amounts,
    quantities,
    lambda text: ids(text, r"O-\d{4}"),
    emails,
    phones,
    lambda text: choices(text, MUGS),
    lambda text: [one for one in (yes_or_no(text), free_text(text)) if one],
]
SNIPPETS = (
    "next Friday 10 March the 3rd of 2026-03-10 3/10 24:00 half past three pm noon "
    "€39.90 1.299,00 two hundred dollars $5k a dozen mugs O-1042 a@b.de +49 30 1234567 yes no "
    "not but red second ，。 明天 下周五 三月十号 3月10日 九千九百九十九万亿 年 月 号 下午三点半 "
    "三百元 三块五 两个 好的 不用了 吗 İ ﬁ Ｏ－ ① ٣"
).split(" ")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(st.sampled_from(SNIPPETS), max_size=12).map(" ".join),
        st.lists(st.sampled_from(SNIPPETS), max_size=12).map("".join),
    )
)
def test_spans_hold_the_words_of_any_text(text: str) -> None:
    for extract in EXTRACTORS:
        found = extract(text)
        assert all(text[one.start : one.end] == one.words != "" for one in found)


DAY_FORMS = [
    "{0:%Y-%m-%d}",
    "{0.day} {0:%B} {0.year}",
    "{0:%b} {0.day}, {0.year}",
    "{0.year}年{0.month}月{0.day}日",
    "{0.month}/{0.day}/{0.year}",
    "{0:%d.%m.%Y}",
]


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.sampled_from(DAY_FORMS))
@example(date(2000, 7, 24), "{0:%d.%m.%Y}")
def test_reads_back_a_date_that_was_written(day: date, form: str) -> None:
    assert values(dates(f"on {form.format(day)}!", WEDNESDAY)) == [day]


@given(st.integers(0, 365), st.sampled_from(["{0.day} {0:%B}", "{0.month}月{0.day}号"]))
def test_a_date_without_its_year_is_the_next_one(ahead: int, form: str) -> None:
    day = WEDNESDAY + timedelta(ahead % 365)
    assert values(dates(form.format(day), WEDNESDAY)) == [day]


@given(st.times(), st.sampled_from(["{0:%H:%M}", "{0:%I:%M %p}", "{0.hour:02d}:{0.minute:02d}"]))
def test_reads_back_a_time_that_was_written(clock: time, form: str) -> None:
    clock = clock.replace(second=0, microsecond=0)
    assert values(times(form.format(clock))) == [clock]


def continental(value: Decimal) -> str:
    return f"{value:,.2f}".translate({ord(","): ".", ord("."): ","})


@given(
    st.decimals(0, 10**9, places=2),
    st.sampled_from(
        [
            lambda v: f"€{v:,.2f}",
            lambda v: f"{continental(v)} €",
            lambda v: f"USD {v}",
            lambda v: f"{v}元",
        ]
    ),
)
def test_reads_back_an_amount_that_was_written(
    value: Decimal, form: Callable[[Decimal], str]
) -> None:
    assert [money.value for money in values(amounts(f"pay {form(value)} now"))] == [value]


def test_chinese_is_written_up_to_an_address_and_a_number() -> None:
    said = "邮箱ana@example.test，电话13812345678吗；1234567元，éve@example.test"
    assert values(emails(said)) == ["ana@example.test"]
    assert values(phones(said)) == ["13812345678"]
