"""One HTML file that needs nothing else: style, script and data inside, no other host asked.

A content policy in the page holds that in the browser: nothing is loaded, and no script runs but
the one whose hash it names, so text of models and data stays text. What a page shows is its
maker's.
"""

import base64
import hashlib
import json
from html import escape
from importlib.resources import files

from attenda.core.words import catalogue

__all__ = ["html_page", "words_of"]

_SKELETON = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
{script}</body>
</html>
"""


def html_page(
    title: str, body: str, language: str, *, script: str = "", data: object = None
) -> str:
    """A whole page.

    Args:
        title: plain text.
        body: HTML, its texts escaped.
        language: of its words.
        script: name of a script beside this file, which reads the element `data`; or none.
        data: what JSON can hold, for the script.
    """
    code, parts = "", ""
    if script:
        code = _text(script)
        held = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        parts = (
            f'<script type="application/json" id="data">{held}</script>\n<script>{code}</script>\n'
        )
    return _SKELETON.format(
        language=escape(language),
        policy=_policy(code),
        title=escape(title),
        style=_text("page.css"),
        body=body,
        script=parts,
    )


def words_of(language: str, beginning: str) -> dict[str, str]:
    """The catalogue's sentences whose keys begin so, for a script."""
    return {key: text for key, text in catalogue(language).items() if key.startswith(beginning)}


def _policy(code: str) -> str:
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" if code else "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _text(name: str) -> str:
    return (files("attenda.learn") / "pages" / name).read_text("utf-8")
