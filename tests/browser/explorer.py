"""One explorer in the open lesson, moved as a student moves it: by keyboard and by pointer."""

from collections import Counter
from dataclasses import dataclass

HASH = """(root) => {
  let hash = 7;
  for (const canvas of root.querySelectorAll("canvas[data-panel]")) {
    for (const letter of canvas.toDataURL()) hash = (hash * 31 + letter.charCodeAt(0)) | 0;
  }
  return hash;
}"""

# Which element takes the keys of a setting: the control itself, or the chosen one of a group of radio buttons.
FOCUS = """(control) => {
  const target = control.matches("fieldset") ? control.querySelector("input:checked") : control;
  if (!target) throw new Error(`none of the choices of ${control.dataset.setting} is chosen`);
  target.focus();
  return { kind: target.type, value: target.value, max: target.max };
}"""

# What would hide a part of the explorer: an ancestor inside the cell that cuts off or scrolls.
CLIPPED = """(root) => {
  const inner = root.getBoundingClientRect();
  const found = [];
  if (root.scrollWidth > root.clientWidth + 1) found.push("wider than itself");
  for (let node = root.parentElement; node && !node.matches(".jp-Cell"); node = node.parentElement) {
    const style = getComputedStyle(node);
    const outer = node.getBoundingClientRect();
    const [x, y] = [style.overflowX !== "visible", style.overflowY !== "visible"];
    if (x && (inner.right > outer.right + 1 || inner.left < outer.left - 1)) found.push(`${node.className}: width`);
    if (y && (inner.bottom > outer.bottom + 1 || inner.top < outer.top - 1)) found.push(`${node.className}: height`);
  }
  return found;
}"""

# What is said aloud follows what is written a moment later, once a sweep has stopped.
SAID = """(root) => {
  const said = root.querySelector("[aria-live]").textContent;
  return said === root.querySelector(".words").textContent && said;
}"""

# The time from a key press to the frame in which its image is shown: the key event's own time stamp, then the first
# animation frame after the explorer has drawn.
WATCH = """(root) => {
  root.delays = [];
  root.drawings = [];
  let pressed = null;
  root.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  root.addEventListener("explorer:drawn", (event) => {
    root.drawings.push(event.detail.ms);
    if (pressed === null) return;
    const began = pressed;
    pressed = null;
    requestAnimationFrame(() => root.delays.push(performance.now() - began));
  });
}"""


@dataclass
class Explorer:
    """An explorer's root element on the page."""

    root: object  # playwright.sync_api.Locator
    name: str  # its own, with a number behind it where a lesson has several of that name

    @property
    def page(self):
        return self.root.page

    def show(self) -> None:
        """Scrolls it into view and waits until it is drawn."""
        self.root.scroll_into_view_if_needed()
        self.page.wait_for_function("root => root.dataset.state", arg=self.root.element_handle())

    def image(self) -> int:
        """Returns a number that changes when any image in it changes."""
        return self.root.evaluate(HASH)

    def state(self) -> str:
        """Returns the shown state as JSON."""
        return self.root.get_attribute("data-state")

    def said(self) -> str:
        """Returns what a screen reader is told, once the explorer has stopped moving."""
        return self.page.wait_for_function(SAID, arg=self.root.element_handle(), timeout=5_000).json_value()

    def settle(self) -> None:
        """Waits until what has changed is on the screen."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def clipped(self) -> list[str]:
        """Returns in words what cuts the explorer off."""
        return self.root.evaluate(CLIPPED)

    def controls(self) -> list:
        """Returns the controls that can take more than one value."""
        found = self.root.locator("[data-setting]").all()
        return [control for control in found if not self.fixed(control)]

    @staticmethod
    def fixed(control) -> bool:
        """Whether a control has nothing to choose."""
        return control.evaluate(
            "c => c.disabled || (c.type === 'range' && c.max === '0')"
            " || (c.matches('fieldset') && c.querySelectorAll('input').length < 2)"
        )

    def step(self, control) -> str:
        """Moves a control by one keyboard step, away from its end; returns the key that did it."""
        at = control.evaluate(FOCUS)
        if at["kind"] == "checkbox":
            key = "Space"
        elif at["kind"] == "range":
            key = "ArrowLeft" if at["value"] == at["max"] else "ArrowRight"
        else:
            last = control.evaluate("c => c.matches('select') && c.selectedIndex === c.options.length - 1")
            key = "ArrowUp" if last else "ArrowDown"
        self.page.keyboard.press(key)
        return key

    def pointable(self) -> list:
        """Returns the images that can be pointed at."""
        return self.root.locator("canvas[data-panel][tabindex]").all()

    def watch(self) -> None:
        """Starts to note the time from key press to image."""
        self.root.evaluate(WATCH)

    def delays(self) -> list[float]:
        """Returns the noted times, in milliseconds."""
        return self.root.evaluate("root => root.delays")

    def drawings(self) -> list[float]:
        """Returns how long the drawing itself took each time, in milliseconds."""
        return self.root.evaluate("root => root.drawings")


def all_explorers(lesson) -> list[Explorer]:
    """Returns the lesson's explorers, drawn."""
    lesson.page.wait_for_selector(".course-explorer[data-state]", state="attached", timeout=20_000)
    found, names = [], Counter()
    for root in lesson.page.locator(".course-explorer").all():
        name = root.get_attribute("data-explorer")
        names[name] += 1
        found.append(Explorer(root, name if names[name] == 1 else f"{name}-{names[name]}"))
    assert found, "the lesson has no explorer"
    return found
