"""What lies within the page: JSON that no word can end, and digests by which the page knows its own script."""

import base64
import hashlib
import json


def json_in_html(value) -> str:
    """JSON for a <script> element: without `<`, `>` and `&`, so that nothing in it ends the element."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def digest(text: str) -> str:
    """As a content security policy has it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
