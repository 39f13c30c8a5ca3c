"""What customers' own words are read for: danger, threats, an address among chatter, a share."""

from decimal import Decimal

import pytest

from attenda.api import Labelled, Principal, SetSlot, StartFlow
from attenda.core.label import said_by
from attenda.dialogue.state import DialogueState, Frame
from attenda.packs.support.addressing import address_in
from attenda.packs.support.countries import country_named_in
from attenda.packs.support.looking import look_first, signs_in
from attenda.packs.support.orders import part_in
from attenda.packs.support.pack import PACK
from attenda.runtime.flow_turn import given_for
from attenda.runtime.pack import Said, read_pack

DANGER = """
the kettle went up in flames
omg flames coming out of the toaster
the lamp is on fire right now
it caught fire last night
a small fire started in the plug
we had to call the fire brigade
the battery blew up in my hand
my phone charger exploded
there was an explosion in the kitchen
thick smoke is pouring out of it
it started smoking as soon as I plugged it in
black smoke everywhere
sparks fly out of the socket
it keeps sparking
I burned my hand on it
my daughter burnt her fingers
there is a burning smell
the plug is charred
the cable has melted and smells
it scalded my son
I got a shock from the kettle
it gave my wife an electric shock
it zapped me
the thing electrocuted my dog
the casing is live to the touch
my husband was injured by the chair
I hurt my back when the chair collapsed
my kid got hurt
he is bleeding
I cut my finger on the glass
she needed stitches
we ended up in hospital
an ambulance had to come
it short-circuited the whole flat
the table got scorched
Fire! My kitchen!
help, fire in my kitchen
I was making tea, humming along, and whoosh, flames, can you believe it
the curtains were set alight by your lamp
carbon monoxide alarm went off because of your heater
the dog choked on a part
blisters on my arm from the steam
水壶刚才烧起来了，有明火
插头那儿蹿出一团火
底座里窜起了火苗
火舌都舔到窗帘了
台灯着火了
插座起火了怎么办
充电器自燃了
家里差点失火
一直在冒烟
冒出一股黑烟
冒着浓浓的烟
有烧焦的味道
一股焦糊味
电池爆炸了
手机充着电突然炸了
玻璃炸裂了
我触电了
外壳漏电
碰一下就麻手
我被它电了一下
孩子被水壶电到了
水壶着了
一摸就被电
一插上就短路
蹦火花
喷火了
我手被烫伤了
烫到孩子了
蒸汽把我烫出水泡
老人被砸伤了
划伤了手，一直流血
把我妈送去医院了
叫了救护车
人晕倒了
我跟你讲，正喝茶聊天呢，那个壶呼地一下火苗就蹿上来了
用着用着就闻到糊味
消防都来了
""".strip().splitlines()
NO_DANGER = """
that driver should be fired
I got fired yesterday and need the money back
what a hot deal
your prices are on fire
this sale is on fire
where is my Fire TV stick
he should be fired!
I ordered a fire pit, where is it
is the fireplace tool set in stock
refund the fire extinguisher please
do you sell smoke detectors
the smoke alarm I bought is the wrong colour
I want it in smoke grey
the driver was smoking in front of my door
we are a non-smoking house
I quit smoking
one burning question: what is the postage
it burned a hole in my pocket
I'm burnt out from all this waiting
the burnt orange one please
the toaster burnt my toast
I got burned before by online shops
he blew up at me on the phone
I nearly exploded with anger
I got a shock when I saw the bill
I was shocked by the price
shockproof case please
that remark hurt my feelings
adding insult to injury the parcel is late
it sparked my interest
he burst into laughter
the kettle is too hot to handle for me
the kettle doesn't heat any more
the shoes are killing me
I'm boiling with rage
my wallet is bleeding money... no, just refund it
can you deliver to the hospital where I work
I'm in hospital this week, leave it with the neighbour
the explosion of choices on your site
an exploded view of the parts please
my wife's old flame
火爆的活动还有吗
你们家生意真火爆
火锅什么时候发货
快递坐火车来的吗
我一肚子火
我对你们很恼火
气得我头顶冒烟
嗓子都冒烟了还没等到
买个烧烤架
水壶烧水太慢
水烧起来很慢
烧着水呢，顺便问下运费
脂肪燃烧仪我要退款
爆炸头假发什么时候到
我快气炸了
电话都打炸了也没人接
群里都炸了锅
打过电话了没人理
家电到了吗
这款带电池吗
笔记本带电脑包吗
充电到一半就停了
被电话吵醒的
要买漏电保护器
这价格让我钱包很受伤
今天大出血买了很多
他们心里很受伤
信息爆炸的时代
灭火器到哪了
无烟锅我想换一个
油烟机坏了
防烫伤手套退款
这周我在医院上班，改个地址
下午去医院，快递放门口行吗
送货的在门口抽烟
""".strip().splitlines()


def _kinds(text: str) -> set[str]:
    return {kind for kind, _, _ in signs_in(text)}


def test_danger_goes_to_a_person_in_any_words() -> None:
    assert [text for text in DANGER if "safety" not in _kinds(text)] == []


def test_words_of_danger_that_mean_something_else() -> None:
    assert [text for text in NO_DANGER if "safety" in _kinds(text)] == []


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        ("you will hear from my solicitors", True), ("see you in court then", True),
        ("I'll sue", True), ("legal proceedings will follow", True), ("那就法庭见", True),
        ("我要走法律程序", True), ("the court yard lamp", False), ("is it legal to fly it", False),
        ("I shall sue", True), ("a lawsuit is on its way", True), ("我要去告你们", True),
        ("我要告你们的送货员", False), ("我要告诉你们新地址", False),
        ("the tennis court lamp", False), ("法国能寄吗", False), ("没办法了，退款吧", False),
    ],
)  # fmt: skip
def test_a_threat_with_the_law_goes_to_a_person(text: str, legal: bool) -> None:
    assert ("legal" in _kinds(text)) is legal


def _looked(text: str, *frames: Frame) -> list[str]:
    """The flow that a message sets off ahead of all else, and the slots that it fills."""
    given = given_for(Principal(id="ana", role="viewer"), "m", [text], 0)
    found = look_first(Said(text, "m", said_by("ana", "m"), given, DialogueState(frames=frames)))
    flows = [one.flow for one in found if isinstance(one, StartFlow)]
    return flows + [one.slot for one in found if isinstance(one, SetSlot)]


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("honestly I don't want to live any more", True), ("我不想活了", True),
        ("forget the lamp, I am going to kill myself tonight", True),
        ("I'm dying to get my lamp", False), ("my lamp died", False), ("笑死我了", False),
        ("I don't want to die of boredom, where is O-1001?", False),
        ("the trip is off, so we've no use for any of it", False),
        ("there is no need for all of it, take two back", False),
        ("I have no use for life", True), ("I see no point in any of it", True),
    ],
)  # fmt: skip
def test_a_wish_to_die_calls_a_person_before_all_else(text: str, called: bool) -> None:
    assert ("urgent" in _looked(text)) is called


PARTINGS = [
    "bye", "thank you, bye", "Thanks a lot, goodbye!", "ok thanks, that's all, bye", "再见",
    "好的，谢谢您，再见", "没事了，拜拜",
]  # fmt: skip


@pytest.mark.parametrize("text", PARTINGS)
def test_a_parting_is_answered_as_one(text: str) -> None:
    assert _looked(text) == ["part"]
    assert _looked(text, Frame(flow="where", fingerprint="", instance="i")) == ["part"]


@pytest.mark.parametrize("text", ["that's all, thanks", "就这样，谢谢"])
def test_what_may_be_a_yes_is_a_parting_where_nothing_is_asked(text: str) -> None:
    assert _looked(text) == ["part"]
    assert _looked(text, Frame(flow="cancel", fingerprint="", instance="i")) == []


@pytest.mark.parametrize("text", ["thanks", "bye the way, where is it", "再见不到货我就投诉"])
def test_not_all_that_begins_so_is_a_parting(text: str) -> None:
    assert "part" not in _looked(text)


def test_an_endless_parting_is_read_at_once() -> None:
    """A pattern that tries its words in every order would not come back from these."""
    assert _looked("bye bye " * 500 + "x") == [] == _looked("那就这样" * 500 + "甲")
    assert _looked("price'" * 500 + "x") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cancel my order", ["cancel"]), ("please cancel the order O-1002", ["cancel", "order"]),
        ("Could you cancel O-1002?", ["cancel", "order"]), ("取消订单", ["cancel"]),
        ("麻烦把我的订单取消了吧", ["cancel"]), ("O-1002 取消", ["cancel", "order"]),
        ("the cancel button is stuck", []), ("取消键按不下去", []),
        ("it stops when I cancel an order on it", []), ("订单上写着能取消定时，可取消不了", []),
    ],
)  # fmt: skip
def test_who_cancels_an_order_is_not_taken_to_tell_what_is_wrong(
    text: str, told: list[str]
) -> None:
    label = said_by("ana", "m")
    known = {
        "me": Labelled(value="C-1", label=label),
        "goods": Labelled(value={"one": "O-1001-1"}, label=label),
    }
    claim = Frame(flow="warranty", fingerprint="", instance="i", values=known)
    assert _looked(text, claim) == told


@pytest.mark.parametrize(
    "text",
    [
        "this is absurd, I have had enough of it", "I'm losing my patience with you", "真不像话",
        "你们这样做事令人无法接受", "我非常失望", "脾气再好也忍不下去了",
        "my patience has run out", "rediculous, this is", "Enough!", "how dare you",
        "worst customer service ever", "服务差到没话说", "真是受不了了",
        "我对你们这样极其不满", "没见过这么差的店",
    ],
)  # fmt: skip
def test_anger_is_a_persons_once_something_is_under_way(text: str) -> None:
    known = {"me": Labelled(value="C-1", label=said_by("ana", "m"))}
    where, complaint = (
        Frame(flow=flow, fingerprint="", instance="i", values=known)
        for flow in ("where", "complaint")
    )
    assert _looked(text) == []
    assert _looked(text, where)[0] == "urgent"
    assert _looked(text, complaint) == [], "who is asked what happened says so"
    identify = Frame(flow="identify", fingerprint="", instance="i")
    assert _looked(text, where, identify)[0] == "urgent"
    told = _looked(f"{text} ana@example.test, 4000", where, identify)
    assert "urgent" not in told, "who says who they are is answered"


@pytest.mark.parametrize(
    "text",
    [
        "I had enough tea, thanks", "that's a shame, the red one then",
        "it's insane how cheap it is", "我大概差五分钟到家", "两个就够了", "水壶质量差，退款",
    ],
)  # fmt: skip
def test_not_all_that_sounds_like_it_is_anger(text: str) -> None:
    assert "anger" not in _kinds(text)


ROSE = "12 Rose Lane, Leeds LS1 4AB"
RUA = "Rua Nova 1, 4050 Porto"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (RUA, RUA),
        ("ok then send it to Rua Nova 1, 4050 Porto thx", RUA),
        ("it took me 3 weeks to find a flat, but now it's Rua Nova 1, 4050 Porto", RUA),
        ("We left the old house in 2019, finally: 12 Rose Lane, Leeds LS1 4AB. Thanks!", ROSE),
        ("My dog ate the letter: Flat 2, 12 Rose Lane, Leeds LS1 4AB, and that is all",
         "Flat 2, 12 Rose Lane, Leeds LS1 4AB"),
        ("building 5, flat b, 12 Rose Lane, third floor, Leeds LS1 4AB",
         "building 5, flat b, 12 Rose Lane, third floor, Leeds LS1 4AB"),
        ("rue pasteur 5, 69007 lyon, france thx", "rue pasteur 5, 69007 lyon, france thx"),
        ("gartenstraße 5, 01067 dresden, germany thx", "gartenstraße 5, 01067 dresden, germany"),
        ("Lyon, France: 5 Rue Pasteur, 69007", "Lyon, France: 5 Rue Pasteur, 69007"),
        ("I'd like it to go to Calle Mayor 4 in 28013 Madrid, Spain, please.",
         "Calle Mayor 4 in 28013 Madrid, Spain"),
        ("ul. Prosta 3, 00-950 Warszawa", "ul. Prosta 3, 00-950 Warszawa"),
        ("总算搬完了，累坏了，以后都寄上海市张杨路 500 弄 3 号吧，邮编 200120，谢谢",
         "上海市张杨路 500 弄 3 号，邮编 200120"),
        ("房子退租了，改成北京市朝阳区，建国路 88 号，100022",
         "北京市朝阳区，建国路 88 号，100022"),
        ("姐姐给我找的地方，阳光很好，新地址是法国里昂 5 Rue Pasteur，邮编 69007",
         "法国里昂 5 Rue Pasteur，邮编 69007"),
        ("上海市为民路一号，200120", "上海市为民路一号，200120"),
        # all of it where no street is seen, and where a country would be left out
        ("rua nova 1, 4050 porto", "rua nova 1, 4050 porto"),
        ("我刚从德国回来，寄到上海市张杨路 3 号，200120",
         "我刚从德国回来，寄到上海市张杨路 3 号，200120"),
        ("somewhere else please", "somewhere else please"),
    ],
)  # fmt: skip
def test_an_address_is_kept_without_the_chatter_around_it(text: str, address: str) -> None:
    assert address_in(text) == address


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("Berlin, Germany: Invalidenstraße 40", "DE"), ("新地址是德国柏林", "DE"),
        ("rue pasteur 5, 69007 lyon, france thx", "FR"), ("12 holland park, leeds", ""),
        ("5 Rue Pasteur, 69007 Lyon France where I live now", "FR"),
        ("寄法国里昂 5 号", "FR"), ("我是德国人，住在新街 1 号", ""), ("上海市德国路 5 号", ""),
    ],
)  # fmt: skip
def test_a_country_is_named_in_an_address(address: str, country: str) -> None:
    assert country_named_in(address) == country


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("half back on the hat", "0.5"), ("退半价", "0.5"), ("给我退50%就行", "0.5"),
        ("thirty percent back", "0.3"), ("40 per cent please", "0.4"), ("百分之二十五", "0.25"),
        ("退三成", "0.3"), ("a quarter of the price", "0.25"), ("四分之一就好", "0.25"),
        ("it broke after half a year", ""), ("an hour and a half ago", ""), ("the third item", ""),
        ("帽子是半价买的，退款", ""), ("九成新的帽子，退款", ""), ("完成退款了吗", ""),
    ],
)  # fmt: skip
def test_a_share_of_a_price_in_words(text: str, share: str) -> None:
    assert part_in(text, "EUR") == (None, Decimal(share) if share else None, "")


def test_no_sentence_is_an_example_of_two_flows() -> None:
    flows, _, _ = read_pack(PACK)
    said: dict[str, set[str]] = {}
    for flow in flows.values():
        for text in flow.all_examples.splitlines():
            said.setdefault(text, set()).add(flow.name)
    assert len(said) > 1000
    assert {text: names for text, names in said.items() if len(names) > 1} == {}
