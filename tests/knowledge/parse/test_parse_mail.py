"""Mails and mailboxes, read through `parse_file`."""

from __future__ import annotations

from typing import Any

MAIL = (
    "From: =?utf-8?b?5byg5LiJ?= <a@example.org>\nTo: b@example.org\n"
    "Subject: Fee =?utf-8?q?=E2=82=AC?=\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=x\n\n"
    "--x\nContent-Type: multipart/alternative; boundary=y\n\n--y\nContent-Type: text/plain; "
    "charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nTen =E2=82=AC.\n\nBye.\n--y\n"
    "Content-Type: text/html\n\n<p>other</p>\n--y--\n--x\nContent-Type: text/plain\n"
    'Content-Disposition: attachment; filename="secret.txt"\n\nnot read\n--x--\n'
)


def test_eml(read: Any) -> None:
    (document,) = read("m.eml", MAIL.replace("\n", "\r\n").encode())
    assert (document.title, document.external_id) == ("Fee €", None)
    assert [document.text[b.start : b.end] for b in document.blocks] == [
        "From: 张三 <a@example.org>; To: b@example.org",
        "Ten €.",
        "Bye.",
        "Attachments: secret.txt",
    ]


def test_eml_with_html_only(read: Any) -> None:
    data = b"From: a\nContent-Type: text/html; charset=nonsense\n\n<div hidden>no</div><b>yes</b>"
    assert read("m.eml", data)[0].text == "From: a\n\nyes"


def test_mbox_gives_a_document_a_mail(read: Any) -> None:
    second = "From: c\nSubject: Two\n\nSee:\n\nFrom here on 7 days.\n>From there.\n"
    box = f"From a@b Thu Jan  1 00:00:00 2026\n{MAIL}\nFrom c@d Thu Jan  1 00:00:00 2026\n{second}"
    one, two = read("box", box.encode())
    assert (one.title, one.external_id) == ("Fee €", "1@example.org")
    assert two.text == "From: c\n\nSee:\n\nFrom here on 7 days.\nFrom there."
