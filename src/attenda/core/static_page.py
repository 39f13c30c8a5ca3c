"""One HTML file that needs nothing else: style inside, no script, no other host asked.

A content policy in the page holds that in the browser, so what a model or a person wrote stays
text. What a page shows is its maker's.
"""

from html import escape

__all__ = ["static_page"]

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
{style}{more}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)

_STYLE = """\
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1d1f21; --faint: #5c6066;
  --line: #d5d7d2; --card: #fff; --good: #1a6f3c; --bad: #ad1f1f; --accent: #2457a6; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181a; --ink: #e7e8e6; --faint: #a2a6aa;
  --line: #3a3d40; --card: #1e2123; --good: #6cc58e; --bad: #f08a80; --accent: #8ab4f2; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Noto Sans SC", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.faint { color: var(--faint); } .good { color: var(--good); } .bad { color: var(--bad); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; margin: 1rem 0; overflow-x: auto; }
section > h2 { margin-top: .3rem; }
table { border-collapse: collapse; } th, td { text-align: left; vertical-align: top;
  padding: .2rem 1.2rem .2rem 0; }
"""


def static_page(title: str, body: str, language: str, style: str = "") -> str:
    """A whole page.

    Args:
        title: plain text; also its heading.
        body: HTML, its texts escaped.
        language: of its words.
        style: rules beside those that every page has.
    """
    return _SKELETON.format(
        language=escape(language),
        policy=_POLICY,
        title=escape(title),
        style=_STYLE,
        more=style,
        body=body,
    )
