"""Sentences that ask for a person, or to stop what is under way, for a choosing model to learn.

Plain ones are found by their words alone (`understand.py`); these are roundabout.
"""

__all__ = ["PERSON_WORDS", "STOP_WORDS"]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(
        one.strip() for line in text.splitlines() for one in line.split(";") if one.strip()
    )


PERSON_WORDS = {
    "en": _lines(
        """
        can somebody who works there help me; I'd rather deal with a member of your team
        is there anyone at all behind this; get me your supervisor; I want your manager
        this machine doesn't get it, who can I talk to; please connect me to an employee
        let me explain it to one of the staff; I'd like to be called back by someone
        could a colleague of yours take over; enough of the bot; no more automatic answers please
        who is responsible there, I need to speak to them; I want to complain to somebody in charge
        I can't do this with a computer; please transfer me; pass me on to the service desk
        is anybody in the office; give me the person on duty; someone should ring me
        I'd prefer to discuss this with an adult; operator please; representative
        I don't want to chat with software; take me to your service team
        may I speak with whoever handles this; a person with authority please
        I need help from someone who can decide; somebody must look at this personally
        """
    ),
    "zh-CN": _lines(
        """
        有没有工作人员在; 我想找你们领导; 叫你们经理来; 能不能让负责的人跟我说
        我不想跟机器聊了; 你们那边有人吗; 请给我接通值班的人; 让你们同事来处理吧
        我要跟管事的谈; 机器听不懂 换个人来; 能给我回个电话吗 我想跟人说; 找个能做主的人
        麻烦请你们的人来看一下; 谁负责这件事 我跟他讲; 我要投诉 叫主管来; 来个客服吧
        别自动回复了; 我想直接跟店员说; 请老师本人来回答我; 让医生亲自看一下
        """
    ),
}
"""By language."""

STOP_WORDS = {
    "en": _lines(
        """
        leave it; let's drop this; I've changed my mind; stop that; don't bother
        let's not do this after all; I'd rather not go on; please end this; abort
        I don't need this any more; skip the whole thing; scrap that; no need any longer
        I'll do it another time; forget the whole thing; we can stop here; that's enough for now
        I want out of this; let's leave it there; on second thoughts, no; call it off
        I'll come back to it later; not now after all; quit; please don't go ahead with it
        """
    ),
    "zh-CN": _lines(
        """
        先不弄了; 我改主意了; 不用继续了; 停下吧; 这个就不做了; 到此为止吧
        暂时不需要了; 以后再说吧; 别往下了; 我不想办这个了; 取消吧; 退出
        还是别了; 就这样 不要了; 先放一放; 撤了吧; 这事先搁着; 不做了不做了
        """
    ),
}
"""By language."""
