"""A learner's id is found where a sentence names one, and nobody's where it names none."""

import pytest

from attenda.packs.tutor.naming import learner_in


@pytest.mark.parametrize(
    ("text", "learner"),
    [
        ("could I see the report for mei, please?", "mei"), ("the learner k.07 is behind", "k.07"),
        ("Report: jo_2", "jo_2"), ("put mei at 80 percent in decimals", "mei"),
        ("override mei's mastery of decimals", "mei"), ("mei's last results", "mei"),
        ("麻烦把mei那名同学的报告发来", "mei"), ("mei，小数掌握度改为 80%", "mei"),
        ("ok，小数掌握度改为 80%", ""), ("看一下 mei 的报告", "mei"),
        ("学生 k07 学得怎么样", "k07"),
        ("set the mastery of adding fractions for mei to 90%", "mei"), ("report mei", "mei"),
        ("mei, adding fractions, mastery 100 percent", "mei"), ("gimme mei report", "mei"),
        ("override mei adding fractions 100%", "mei"), ("把掌握程度改一下：mei，小数，90%", "mei"),
        ("直接把mei小数调到100%", "mei"), ("whats meis progress", "meis"), ("查mei那孩子", "mei"),
        ("can i see a pupils report real quick", ""), ("report on one of my students pls", ""),
        ("one of my learners worries me", ""), ("set the mastery of equations to 80%", ""),
        ("早上开会提到了 mei，想看看她学得怎么样", "mei"), ("mei report pls", "mei"),
        ("need report on a pupil", ""), ("need 2 see how a learner is doin", ""),
        ("把 K-1 的学习情况给我看看", ""), ("show report 4 mei", "mei"),
        ("set teh mastery of adding fractions of mei to 90%", "mei"),
        ("make mei 90% in decimals, mastery", "mei"), ("my sons progress", ""),
        ("ok, set it to 80 percent", ""),
        ("report on a learner of my class", ""), ("how is this pupil doing", ""),
        ("set my mastery to 100", ""), ("show me the student's results", ""),
        ("抱歉，刚才忘了说，我问的是mei。", "mei"), ("就找mei哈", "mei"), ("那就是ok的", ""),
        ("the coffee is cold, but how's mei getting on?", "mei"),
        ("查一下lea", "lea"), ("tell me how jo_2 is doing", "jo_2"),
        ("how is she doing", ""), ("how is everything going on", ""), ("k07最近怎么样", "k07"),
        ("how is one of my pupils getting on", ""), ("我的学习报告", ""), ("how am I doing", ""),
    ],
)  # fmt: skip
def test_learner_in(text: str, learner: str) -> None:
    place = learner_in(text)
    assert (text[slice(*place)] if place else "") == learner
