"""The front end in a real browser: in every theme, on a narrow screen, beside a kernel, and in time."""

import base64
import dataclasses
import io
import itertools
import re
import statistics

import numpy as np
import pytest
from PIL import Image

from course_utils import explorers
from course_utils.explorers.core.encode import png
from course_utils.explorers.core.parts import Bar
from tests.explorers.browser import SETUP, SHOWN, canvas, state
from tests.explorers.support import small_explorer, small_parts

pytestmark = pytest.mark.browser


# ---- looks ------------------------------------------------------------------------------------------------------

LAB_DARK = "--jp-ui-font-color1: rgba(255, 255, 255, 0.87); --jp-layout-color1: #111111;"
LAB_LIGHT = "--jp-ui-font-color1: rgba(0, 0, 0, 0.87); --jp-layout-color1: white;"
HOSTS = {
    "light page": ({}, ""),
    "dark page": ({"color_scheme": "dark"}, ""),
    "JupyterLab light": (
        {"color_scheme": "dark"},
        f"document.body.dataset.jpThemeLight = 'true'; document.body.style.cssText = `{LAB_LIGHT}`",
    ),
    "JupyterLab dark": (
        {},
        f"document.body.dataset.jpThemeLight = 'false'; document.body.style.cssText = `{LAB_DARK}`",
    ),
    "Colab dark": (
        {},
        f"document.documentElement.setAttribute('theme', 'dark'); document.body.style.cssText = `{LAB_LIGHT}`",
    ),
    "Colab light": ({"color_scheme": "dark"}, "document.documentElement.setAttribute('theme', 'light')"),
    "VS Code dark": ({}, "document.body.className = 'vscode-dark'"),
}


def luminance(rgb):
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(text, ground):
    """Returns the contrast ratio (WCAG) of two CSS colours, the first possibly see-through."""
    one, two = ([float(n) for n in re.findall(r"[\d.]+", c)] for c in (text, ground))
    share = one[3] if len(one) == 4 else 1
    mixed = [share * a + (1 - share) * b for a, b in zip(one, two, strict=False)]
    low, high = sorted([luminance(mixed), luminance(two[:3])])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("numbers", ["low", "−0.000853"])
def test_numbers_beside_a_colour_bar_are_not_cut_off(open_page, numbers):
    parts = small_parts()
    rows = parts["panels"][-1]
    parts["panels"][-1] = dataclasses.replace(rows, bar=Bar(rows.bar.colours, [(0, numbers), (1, "1")]))
    page = open_page(explorers.Explorer("small", title="Numbers", **parts))
    ink = canvas(page, "Rows").evaluate(
        """c => {
          const { data, width, height } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
          const inked = (x) => { for (let y = 0; y < height; y++) if (data[4 * (y * width + x) + 3]) return true; };
          return Array.from({ length: width }, (_, x) => Boolean(inked(x)));
        }"""
    )
    assert not any(ink[-3:]), "the last pixel columns hold ink: a number reaches the border"
    assert any(ink[-14:-3]), "no room is wasted"


def test_numbers_beside_a_colour_bar_do_not_stand_on_each_other(open_page):
    parts = small_parts()
    rows = parts["panels"][-1]
    ticks = [(k / 40, f"tick {k}") for k in range(41)]
    parts["panels"][-1] = dataclasses.replace(rows, bar=Bar(rows.bar.colours, ticks))
    page = open_page(explorers.Explorer("small", title="Numbers", **parts))
    written = page.evaluate("""() => {
      const [found, write] = [[], CanvasRenderingContext2D.prototype.fillText];
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) { found.push([text, y]); };
      document.body.dataset.again = "yes"; // a change of theme: everything is drawn anew
      return new Promise((done) => setTimeout(() => {
        CanvasRenderingContext2D.prototype.fillText = write;
        done(found.filter(([text]) => text.startsWith("tick")));
      }, 200));
    }""")
    places = sorted(y for _, y in written)
    assert {"tick 0", "tick 40"} <= {text for text, _ in written}
    assert 5 < len(written) < 41
    assert min(b - a for a, b in itertools.pairwise(places)) >= 11


@pytest.mark.parametrize("host", HOSTS)
def test_all_text_can_be_read(open_page, host):
    context, script = HOSTS[host]
    page = open_page(
        small_explorer(with_own=lambda own: small_parts()),
        lambda t: t.replace('"upload": null', '"upload": "Yours"'),
        **context,
    )
    if script:
        page.evaluate(script)
    page.get_by_role("button", name="Yours").wait_for()
    page.evaluate("document.querySelector('.note').textContent = 'x'; "
                  "document.querySelector('.note').classList.add('problem')")  # fmt: skip
    seen = page.evaluate("""() => {
      const root = document.querySelector(".course-explorer");
      const ground = (node) => {
        for (; node; node = node.parentElement) {
          const colour = getComputedStyle(node).backgroundColor;
          if (colour !== "rgba(0, 0, 0, 0)") return colour;
        }
        return "rgb(255, 255, 255)";
      };
      const texts = ".title, .words, .note, .caption, .panel-title, label, legend, output, button, .options span";
      const seen = (n) => [n.className || n.tagName, getComputedStyle(n).color, ground(n)];
      return [...root.querySelectorAll(texts)].map(seen);
    }""")
    assert len(seen) > 15
    for name, text, ground in seen:
        assert contrast(text, ground) >= 4.5, (host, name, text, ground)
    root = page.locator(".course-explorer").evaluate("(n) => getComputedStyle(n).backgroundColor")
    is_dark = "dark" in host
    assert (luminance([float(n) for n in re.findall(r"\d+", root)][:3]) < 0.1) == is_dark


def test_numbers_on_the_canvas_take_the_theme(open_page):
    ink = {}
    for scheme in ("light", "dark"):
        page = open_page(small_explorer(), color_scheme=scheme)
        ink[scheme] = canvas(page, "Items").evaluate("""(c) => {
          const { data } = c.getContext("2d").getImageData(60, 0, c.width - 60, 18);
          let sum = 0, count = 0;
          for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) { sum += data[i]; count++; }
          return count ? sum / count : null;
        }""")
    assert ink["light"] < 100 < 180 < ink["dark"]


@pytest.mark.parametrize("make", [small_explorer, explorers.explore_patches], ids=["small", "patches"])
def test_nothing_runs_over_on_a_narrow_screen(open_page, make):
    page = open_page(make(), viewport={"width": 340, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 340
    boxes = [c.bounding_box() for c in page.locator("canvas").all()]
    for above, below in itertools.pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 340 for box in boxes)


def test_nothing_overlaps_and_nothing_jumps(open_page):
    page = open_page(explorers.explore_patches())
    tops = set()
    for p in ("4", "8", "16", "32"):
        page.get_by_role("radio", name=p, exact=True).check(force=True)
        parts = page.locator(".title, .control, .words, .panel-title, canvas, .caption").all()
        boxes = [(part.evaluate("(n) => n.className || n.dataset.panel"), part.bounding_box()) for part in parts]
        captions = [box for name, box in boxes if name == "caption"]
        for k, (name, a) in enumerate(boxes):
            for other, b in boxes[k + 1 :]:
                if a in captions or b in captions:
                    continue  # a caption moves up into the free part of its own canvas
                apart = a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
                assert apart or a["y"] + a["height"] <= b["y"] + 1 or b["y"] + b["height"] <= a["y"] + 1, (name, other)
        tops.add(tuple(round(box["y"]) for name, box in boxes if name != "caption"))
    assert len(tops) == 1


# The width that JupyterLab gives an explorer (and 24 px around it) in a window of this size:
# side bars open on the left, on the right, closed; and the site.
WINDOWS = [(592, 1024, 768), (844, 1024, 768), (760, 1400, 900), (992, 1400, 900)]


@pytest.fixture(scope="module")
def every_explorer():
    """{call: explorer}."""
    names = {}
    exec(SETUP, names)
    return {call: eval(call, names) for call in SHOWN}


@pytest.mark.parametrize("window", WINDOWS, ids="{0[0]} of {0[1]} x {0[2]}".format)
@pytest.mark.parametrize("call", SHOWN, ids=lambda call: call.partition("(")[0].removeprefix("explorers."))
def test_every_explorer_fits_a_projector_in_all_its_settings(open_page, every_explorer, measured, call, window):
    inner, width, height = window
    room = f"max-width: {inner}px"
    page = open_page(
        every_explorer[call], lambda t: t.replace("max-width: 960px", room), viewport={"width": width, "height": height}
    )
    root = page.locator("#explorer")  # with its tabs, where it has some
    sizes = {tuple(root.bounding_box()[side] for side in ("width", "height"))}
    for control in page.locator(".controls input, .controls select").all():
        for key in ("End", "Home", "Space") if control.get_attribute("type") != "radio" else ("Space",):
            control.press(key)
            sizes.add(tuple(root.bounding_box()[side] for side in ("width", "height")))
    measured(
        f"{call.partition('(')[0]} in {inner} of {width} x {height}: {sorted({(round(w), round(h)) for w, h in sizes})}"
    )
    assert max(h for _, h in sizes) <= 640
    assert len(sizes) == 1, "it changes its size while settings move"
    inside = root.evaluate("""(root) => [...root.querySelectorAll("canvas, .control, p")].every((node) => {
      const [inner, outer] = [node.getBoundingClientRect(), root.getBoundingClientRect()];
      return node.matches(".unseen") || (inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1);
    })""")
    assert inside, "a part stands out"
    smallest = page.evaluate("Math.min(...[...document.querySelectorAll('canvas')].map((c) => c.clientWidth))")
    assert smallest >= 120


def test_the_focused_control_can_be_seen(page):
    page.keyboard.press("Tab")
    ring = "getComputedStyle(document.activeElement.nextElementSibling ?? document.activeElement).outlineWidth"
    assert page.evaluate(ring) == "3px"
    canvas(page, "Ground").focus()
    page.keyboard.press("ArrowRight")
    assert canvas(page, "Ground").evaluate("(c) => getComputedStyle(c).outlineWidth") == "3px"


# ---- the kernel's side ------------------------------------------------------------------------------------------


def with_kernel(text):
    """Makes the page's stand-in for the kernel keep what is said, and able to say something."""
    text = text.replace('"upload": null', '"upload": "Use your own image…"')
    text = text.replace("save_changes() {}, on() {}, off() {}, send() {},", """
      save_changes() { window.saved.push(structuredClone(held.state)); },
      on: (name, act) => { window.acts[name] = act; }, off() {},
      send: (message) => { window.sent.push(message); },""")  # fmt: skip
    return text.replace(
        "const model =", "Object.assign(window, { held, saved: [], acts: {}, sent: [] });\nconst model ="
    )


def test_the_kernel_is_told_the_state_once_a_sweep_has_stopped(open_page):
    page = open_page(small_explorer(), with_kernel)
    early = page.get_by_role("slider", name="Cell").evaluate("""async (input) => {
      for (const value of [1, 3, 5]) {
        input.value = value;
        input.dispatchEvent(new Event("input"));
      }
      await new Promise((done) => setTimeout(done, 100));
      return window.saved.length;
    }""")
    assert early == 0
    page.wait_for_function("window.saved.length")
    page.wait_for_timeout(300)
    assert page.evaluate("window.saved") == [{"detail": "coarse", "level": 1, "lit": False, "cell": 5}]


def test_the_kernel_can_ask_for_a_state(open_page):
    page = open_page(small_explorer(), with_kernel)
    page.evaluate("held.state = {detail: 'fine', level: 9, lit: true, cell: 17}; acts['change:state']()")
    assert state(page) == {"detail": "fine", "level": 9, "lit": True, "cell": 17}
    page.evaluate("held.state = {detail: 'fine', level: 9, lit: true, cell: 99}; acts['change:state']()")
    assert state(page)["cell"] == 17  # there is no such cell


def test_an_image_of_your_own_is_sent_small(open_page):
    page = open_page(small_explorer(), with_kernel)
    file = io.BytesIO()
    Image.fromarray(np.full((300, 1024, 3), (200, 10, 60), np.uint8)).save(file, "PNG")
    page.locator("input[type=file]").set_input_files(
        {"name": "wide.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    page.wait_for_function("window.sent.length")
    (sent,) = page.evaluate("window.sent")
    assert (sent["kind"], sent["name"]) == ("image", "wide.png")
    received = Image.open(io.BytesIO(base64.b64decode(sent["data"])))
    assert received.size == (512, 150)
    assert received.convert("RGB").getpixel((100, 100)) == (200, 10, 60)
    assert "wide.png" in page.locator(".note").text_content()
    page.evaluate("acts['msg:custom']({kind: 'problem', text: 'No.'})")
    assert page.locator(".note.problem").text_content() == "No."


def test_a_file_that_is_no_image_gets_an_answer(open_page):
    page = open_page(small_explorer(), with_kernel)
    page.locator("input[type=file]").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    page.wait_for_selector(".note.problem")
    assert page.locator(".note").text_content() == (
        "“notes.txt” is not an image that this browser can read. Try a PNG or a JPEG file."
    )
    assert page.evaluate("window.sent") == []


def test_new_spec_and_pages_are_shown(open_page):
    page = open_page(small_explorer(), with_kernel)
    other = small_explorer(words=lambda cell, **_: f"new {cell}", start={"cell": 2})
    other.spec["notice"] = "Showing it."
    page.evaluate(
        """([spec, pages, state]) => {
          const bytes = Uint8Array.from(atob(pages), (c) => c.charCodeAt(0));
          Object.assign(held, { spec, state, pages: new DataView(bytes.buffer) });
          acts["change:pages"]();
          acts["change:spec"]();
        }""",
        [other.spec, base64.b64encode(other.data).decode(), other.default_state],
    )
    page.wait_for_function("document.querySelector('.words').textContent === 'new 2'")
    assert page.locator(".note").text_content() == "Showing it."
    assert page.locator("canvas").count() == 3


def test_a_saved_page_has_no_file_button(open_page):
    page = open_page(small_explorer(with_own=lambda own: small_parts()))
    assert page.locator("input[type=file]").count() == 0


def test_the_still_image_before_the_widget_is_hidden_while_the_widget_is_alive(open_page):
    """In a notebook, an output with the still image stands before the widget's; other images there stay."""

    def with_images(text):
        sizes = (("other", 8, 9), ("still", 9, 8))
        images = [(name, png(np.zeros((h, w, 3), np.uint8))) for name, h, w in sizes]
        tags = [f'<p><img id="{n}" src="data:image/png;base64,{base64.b64encode(i).decode()}"></p>' for n, i in images]
        text = text.replace('<main id="explorer">', f'{"".join(tags)}<div><main id="explorer">')
        text = text.replace("state: {} };", "state: {}, still: [8, 9] };")
        return text.replace("front.render(", "globalThis.stop = front.render(")

    page = open_page(small_explorer(), with_images)
    assert not page.locator("#still").is_visible()
    assert page.locator("#other").is_visible()
    page.evaluate("stop()")
    assert page.locator("#still").is_visible()


def test_a_page_whose_scripts_do_not_run_shows_the_still_image(browser, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(small_explorer().save_html(tmp_path / "page.html").as_uri())
    assert "comes alive where scripts may run" in page.locator("noscript").text_content()
    image = page.get_by_role("img", name="A small explorer: an interactive image. coarse grid")
    assert image.bounding_box()["width"] >= 560
    context.close()


# ---- time -------------------------------------------------------------------------------------------------------


@pytest.mark.timing
def test_the_new_image_is_there_within_a_frame(open_page, measured):
    page = open_page(explorers.explore_patches())
    page.evaluate("""() => {
      window.delays = [];
      window.drawing = [];
      let pressed = null;
      document.addEventListener("keydown", (e) => { pressed = e.timeStamp; }, true);
      document.addEventListener("explorer:drawn", (e) => {
        window.drawing.push(e.detail.ms);
        if (pressed !== null) requestAnimationFrame(() => window.delays.push(performance.now() - pressed));
      });
    }""")
    canvas(page, "The image, cut into patches").focus()
    for k in range(48):
        page.keyboard.press(("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")[k // 3 % 4])
    page.wait_for_timeout(100)
    delays, drawing = page.evaluate("[window.delays, window.drawing]")
    assert len(delays) >= 40
    measured(
        f"explorer key press to image: median {statistics.median(delays):.1f} ms, slowest {max(delays):.1f} ms, "
        f"drawing {statistics.median(drawing):.1f} ms, {len(delays)} presses"
    )
    assert statistics.median(delays) <= 16
