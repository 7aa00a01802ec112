"""A template and its content to one HTML file that needs no network and runs no script but its own.

Everything is escaped by Jinja; data for the script are JSON in which `<` cannot occur. The page's
Content-Security-Policy allows the one inlined script, by its hash, and pictures that the page holds.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from common.storage import replacing

TEMPLATES = Path(__file__).parent / "templates"


def write_page(path: Path, template: str, content: dict[str, Any]) -> None:
    """Render `template` with `content` to an HTML file, atomically.

    Raises:
        KitError: the folder of `path` cannot be written.
    """
    text = _environment().get_template(template).render(content)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "replace"))  # an id need not be UTF-8


@cache
def _environment() -> Any:
    """Jinja with our filters; `script` and `style` are the files that pages inline."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    found.filters |= {"score": score, "seconds": seconds}
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    found.globals |= {
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "style": (TEMPLATES / "page.css").read_text(encoding="utf-8"),
    }
    return found


def score(value: float | None, form: str = ".4f") -> str:
    """A score as text; a dash where there is none."""
    return "–" if value is None or value != value else format(value, form)


def seconds(value: float) -> str:
    """Seconds as people say them: 8.3 s, 4 min 12 s, 2 h 05 min."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
