"""An explorer as one HTML page that needs neither a kernel nor a network: the same front end, its data inside."""

import base64
import html
import json
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@cache
def front_end() -> tuple[str, str]:
    """Returns the text of the JavaScript module and of the style sheet."""
    return (_HERE / "front.js").read_text("utf-8"), (_HERE / "front.css").read_text("utf-8")


# Stands in for the kernel's side of the widget: it keeps what is set, and nobody answers messages.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
:root[theme="dark"] {{ color-scheme: dark; }}
:root[theme="light"] {{ color-scheme: light; }}
body {{ margin: 16px auto; padding: 0 12px; max-width: 960px; background: light-dark(#fff, #111); }}
body.framed {{ margin: 0; padding: 0; max-width: none; }}
{style}
</style>
</head>
<body>
<main id="explorer"></main>
<noscript>
<p>A still image: this page comes alive where scripts may run (in JupyterLab: Trust HTML).</p>
<img src="data:image/png;base64,{still}" alt="{words}">
</noscript>
<script type="application/json" id="spec">{spec}</script>
<script type="text/plain" id="pages">{pages}</script>
<script type="text/plain" id="front">{front}</script>
<script type="module">
const text = (id) => document.getElementById(id).textContent;
const bytes = (id) => Uint8Array.from(atob(text(id)), (c) => c.charCodeAt(0));
const held = {{ spec: JSON.parse(text("spec")), pages: new DataView(bytes("pages").buffer), state: {{}} }};
const model = {{
  get: (key) => held[key],
  set: (key, value) => {{ held[key] = value; }},
  save_changes() {{}}, on() {{}}, off() {{}}, send() {{}},
}};
const source = URL.createObjectURL(new Blob([bytes("front")], {{ type: "text/javascript" }}));
const front = (await import(source)).default;
front.render({{ model, el: document.getElementById("explorer") }});
if (parent !== window) {{ // a frame in a lesson's page: it takes this height, and says whether it is dark
  document.body.className = "framed";
  const tell = () => parent.postMessage({{ height: document.getElementById("explorer").offsetHeight }}, "*");
  addEventListener("message", ({{ data }}) => {{
    if (data?.theme === "auto") document.documentElement.removeAttribute("theme");
    else if (data?.theme) document.documentElement.setAttribute("theme", data.theme);
  }});
  new ResizeObserver(tell).observe(document.getElementById("explorer"));
}}
</script>
</body>
</html>
"""


def _ascii(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def page(spec: dict, data: bytes, still: bytes, words: str) -> str:
    """Returns the HTML page of an explorer; `still`, a PNG file, and `words` are for viewers that run no scripts."""
    script, style = front_end()
    text = json.dumps({**spec, "upload": None}, ensure_ascii=False)
    return _PAGE.format(
        title=html.escape(spec["title"]),
        style=style,
        still=_ascii(still),
        words=html.escape(words),
        spec=text.replace("<", "\\u003c"),  # in a script, "</script" ends it and "<!--" swallows what follows
        pages=_ascii(data),
        front=_ascii(script.encode("utf-8")),
    )
