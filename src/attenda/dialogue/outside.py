"""Sentences that most agents are not for: they show a judge how what nobody foresaw looks.

Everyday wishes and questions, in English and Chinese. A book whose own examples are like one of
them is taught without it.
"""

__all__ = ["OUTSIDE"]

_ENGLISH = """
what's the weather like today; will it rain at the weekend; how hot is it in Madrid
do I need an umbrella
what time is it in Tokyo; what day is it; when do the clocks change; when is Easter this year
tell me a joke; sing me a song; say something funny; tell me a bedtime story; let's play a game
flip a coin
how are you today; who made you; are you a robot; what's your name; do you have a family
where do you live
who won the football match; when does my team play next; who is the fastest runner
what's the score of the game
how tall is the highest mountain; what is the capital of Peru; how many people live in India
where is the Sahara
what is seventeen times twelve; what's the square root of two; solve this equation
how long is a mile in kilometres
how do I say thank you in Italian; translate this into French; what does this word mean
how do you spell rhythm
play some music; turn the volume up; what's that song called; recommend me a film
who directed that movie
how do I cook rice; what can I make with eggs and cheese; how long do I boil potatoes
give me a recipe for soup
book me a flight to Rome; find a hotel near the beach; is there a train to Paris tonight
do I need a visa
reserve a table for two; where can I eat sushi; order me a pizza; how late is the bar open
how far is it to the airport; give me directions home; is there a traffic jam; where can I park
call me a taxi
when was my car last serviced; what's the tyre pressure; how much petrol is left
which oil does my engine need
what's my bank balance; transfer money to my brother; raise my credit limit
what is the interest rate on a loan
how much is a share of that company; when are taxes due; how do I save for a house
how is inflation measured
turn off the lights; set an alarm for seven; remind me to water the plants
add milk to my shopping list
how do I reset my router; my screen is frozen; how do I back up my phone
which laptop should I buy
write me a poem; help me with my homework; explain how photosynthesis works
who was the first emperor of Rome
who is the president; what's in the news; what did the minister say; when is the next election
how old is that actress; which band plays tonight; who wrote that novel; who painted the ceiling
what does a panda eat; can I bring my dog; how long do cats live; why do birds sing
how do bees make honey
how do I get a red wine stain out; how do I fix a dripping tap; when should I plant tulips
how do I paint a wall
what should I wear to a wedding; give me a present idea for my sister; how do I tie a tie
how do I become a pilot; what does an engineer earn; write my CV; how do I ask for a raise
why is the sky blue; how far away is the moon; is there life on Mars; how fast does light travel
what is the meaning of life; do you believe in ghosts; what is love; am I dreaming; I'm bored
how do I lose an argument politely; what's the best chess opening; teach me a card trick
sort this list in Python; what is a pointer; why does my code not compile
how do I make a web page
who owns this building; is the shop next door open; where are the toilets; can I smoke here
"""
_CHINESE = """
今天天气怎么样；明天会下雨吗；周末冷不冷；北京现在几度；出门要带伞吗
现在几点；今天星期几；今天几号；中秋节是哪天；东京现在是什么时间
讲个笑话；唱首歌；讲个睡前故事；我们来玩游戏；给我猜个谜语；抛硬币
你好吗；你是谁做的；你是机器人吗；你叫什么名字；你几岁了；你喜欢什么
昨天谁赢了比赛；下一场球什么时候；谁跑得最快；世界杯冠军是谁
最高的山有多高；秘鲁的首都是哪里；印度有多少人；长江有多长；撒哈拉在哪
十七乘以十二等于几；圆的面积怎么算；解一下这个方程；一英里是多少公里
谢谢用法语怎么说；把这句话翻译成英文；这个字怎么念；这个成语是什么意思
放点音乐；声音大一点；这首歌叫什么；推荐一部电影；那部电视剧谁演的
米饭怎么煮；鸡蛋能做什么菜；红烧肉的做法；土豆要煮多久；教我做汤
帮我订机票；附近有什么酒店；今晚有去上海的火车吗；去日本要签证吗
订一张两人桌；哪里有好吃的火锅；帮我点个外卖；酒吧开到几点
去机场有多远；回家怎么走；路上堵车吗；哪里可以停车；叫辆出租车
我的车该保养了吗；轮胎气压多少；还剩多少油；该加几号汽油
我的银行余额是多少；给我弟弟转钱；信用卡额度能提高吗；贷款利率多少；股票涨了吗
把灯关了；定个七点的闹钟；提醒我浇花；购物清单加上牛奶
路由器怎么重置；屏幕卡住了；手机怎么备份；买哪款笔记本好
写一首诗；帮我做作业；光合作用是怎么回事；罗马的第一位皇帝是谁
总统是谁；有什么新闻；下次选举什么时候；这个演员多大；那本小说谁写的
熊猫吃什么；可以带狗吗；猫能活多久；鸟为什么叫；蜜蜂怎么酿蜜
红酒渍怎么洗；水龙头漏水怎么修；什么时候种郁金香；墙怎么刷
参加婚礼穿什么；送姐姐什么礼物；领带怎么打；怎么当飞行员；帮我写简历
天为什么是蓝的；月亮有多远；火星上有生命吗；光速是多少
人生的意义是什么；你相信鬼吗；我好无聊；什么是爱；教我变魔术
用Python排序；我的代码为什么编译不过；怎么做网页；洗手间在哪里；这里能抽烟吗
"""


def _each(text: str, mark: str) -> tuple[str, ...]:
    lines = text.strip().splitlines()
    return tuple(one.strip() for line in lines for one in line.split(mark) if one.strip())


OUTSIDE = {"en": _each(_ENGLISH, ";"), "zh-CN": _each(_CHINESE, "；")}
"""By language."""
