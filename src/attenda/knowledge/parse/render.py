"""Draws one page of a PDF as PNG, in a process of its own, for a citation to be shown on.

    python -m attenda.knowledge.parse.render FILE PAGE WIDTH    → PNG on standard output

The process has the limits that a parsing child has. It knows nothing of documents or people.
"""

import io
import os
import sys

from attenda.knowledge.parse.child import restrict

__all__ = ["main"]

_SECONDS = 20.0


def main() -> int:
    """Draw page PAGE (from 1) of FILE, WIDTH pixels wide; exit code 1 when it can't be drawn."""
    path, number, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    restrict(_SECONDS, writes_file=False)
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
        page = document[number - 1]
        scale = min(4.0, width / max(1.0, page.get_width()))
        picture = io.BytesIO()
        page.render(scale=scale).to_pil().convert("RGB").save(picture, "PNG", optimize=True)
    except (pypdfium2.PdfiumError, IndexError, ValueError):
        return 1
    answer.write(picture.getvalue())
    answer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
