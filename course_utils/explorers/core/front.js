// The front end of every explorer. Python sends a spec and all pages once; here they are only flipped through.
// A state is `pick`: one index for each setting, the place last. Nothing below waits for the kernel.
// The place follows the pointer until a click, a key or the slider pins it; then pointing only previews another one.

const MARGIN = 6; // CSS pixels around an image: room for the outline of a cell at its border
const BAR = 33; // CSS pixels: a colour bar with the gaps on both of its sides; its numbers stand beyond
const NARROW = 560; // CSS pixels: below, panels stand one under the other
const TALLEST = 640; // CSS pixels: what a notebook shows on a projector of 1024 × 768 without scrolling
const TAB_BAR = 42; // CSS pixels: what the tabs take of that, where there are some
const [STEP, LEAST] = [0.05, 0.35]; // of their own size, by which panels are made smaller to get there, and to which
const GAP = 4; // between the pages of a sheet

/** Keys that stay the notebook's, or the browser's: with Ctrl, "run this cell", "go on", "let go". */
function isNotebooks(event) {
  const running = event.key === "Enter" && event.shiftKey;
  return event.ctrlKey || event.metaKey || event.altKey || running || event.key === "Tab" || event.key === "Escape";
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

async function decode(spec, bytes) {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Promise.all(
    spec.pages.map(async ([start, length, h, w, count, columns]) => {
      const file = new Blob([view.slice(start, start + length)], { type: "image/png" });
      const image = await createImageBitmap(file, { colorSpaceConversion: "none" });
      return { image, h, w, count, columns };
    }),
  );
}

function pixels(image) {
  const canvas = make("canvas", { width: image.width, height: image.height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  return pen.getImageData(0, 0, image.width, image.height).data;
}

/** A multiple of `unit` a little below `most`, so that all pixels are alike; `most` itself where that costs too much. */
function roundly(most, unit) {
  const whole = Math.floor(most / unit) * unit;
  return whole > 0.8 * most ? whole : most;
}

class View {
  constructor(model, el) {
    this.model = model;
    // Each widget loads this module anew, so a counter would give two explorers the same ids and radio groups.
    this.id = `course-explorer-${Math.random().toString(36).slice(2)}`;
    this.root = make("div", { class: "course-explorer", "data-lm-suppress-shortcuts": "true" });
    el.append(this.root);
    this.undo = [];
    this.root.addEventListener("keydown", (event) => this.keepFromNotebook(event));
    const acts = {
      "change:spec": () => this.reload(),
      "change:pages": () => this.reload(),
      "change:state": () => this.follow(),
      "msg:custom": (message) => message?.kind === "problem" && this.status(message.text, true),
    };
    for (const [name, act] of Object.entries(acts)) {
      model.on(name, act);
      this.undo.push(() => model.off(name, act));
    }
    this.watch();
    this.reload();
  }

  reload() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    queueMicrotask(async () => {
      if (turn !== this.turn) return; // spec and pages changed together: once is enough
      const spec = this.model.get("spec");
      try {
        const pages = await decode(spec, this.model.get("pages"));
        if (turn !== this.turn) return;
        this.pages = pages;
      } catch (error) {
        this.root.textContent = `This explorer's images could not be read (${error.message}). Run its cell again.`;
        return;
      }
      this.spec = spec;
      this.pick = this.pickOf(this.model.get("state")) ?? [...spec.start];
      this.preview = null;
      this.build();
      this.layout();
      this.draw();
      this.hideStill();
      if (spec.notice) this.status(spec.notice);
    });
  }

  /** The output before this one holds a still image for viewers without widgets: here it would be in the way. */
  hideStill() {
    const [width, height] = this.model.get("still") ?? [];
    const same = (image) => image.naturalWidth === width && image.naturalHeight === height;
    for (let node = this.root; width && node; node = node.parentElement) {
      const image = [...(node.previousElementSibling?.querySelectorAll("img") ?? [])].find(same);
      if (!image) continue;
      image.style.display = "none";
      this.undo.push(() => (image.style.display = ""));
      return;
    }
  }

  pickOf(state) {
    const pick = this.spec.settings.map((s) => s.values.indexOf(state?.[s.name]));
    if (pick.includes(-1)) return null;
    if (!this.spec.place) return pick;
    const at = state[this.spec.place.name];
    const [rows, columns] = this.spec.place.grids[this.outer(pick)];
    return Number.isInteger(at) && at >= 0 && at < rows * columns ? [...pick, at] : null;
  }

  /** What is held, as the kernel knows it; with another place, what is shown. */
  state(place = this.held) {
    const state = Object.fromEntries(this.spec.settings.map((s, k) => [s.name, s.values[this.pick[k]]]));
    if (this.spec.place) state[this.spec.place.name] = place;
    return state;
  }

  /** The number of a state, counted over all settings (or those in `used`) without the place. */
  outer(pick = this.pick, used = null) {
    let index = 0;
    this.spec.settings.forEach((s, k) => {
      if (!used || used.includes(k)) index = index * s.values.length + pick[k];
    });
    return index;
  }

  /** What a layer shows in a state: an image with its pages for all places, or the same for all. */
  page(layer, pick = this.pick) {
    return this.pages[layer.pages[this.outer(pick, layer.settings)]];
  }

  get held() {
    return this.spec.place ? this.pick.at(-1) : 0;
  }

  get at() {
    return this.preview ?? this.held;
  }

  get grid() {
    return this.spec.place ? this.spec.place.grids[this.outer()] : [1, 1];
  }

  choose(k, value) {
    const [rows, columns] = this.grid;
    const place = this.held;
    this.preview = null;
    this.pick[k] = value;
    if (this.spec.place) {
      // Another grid: stay at the same spot of the image.
      const [newRows, newColumns] = this.grid;
      const there = (at, of, ofNew) => Math.floor(((at + 0.5) / of) * ofNew);
      const row = there(Math.floor(place / columns), rows, newRows);
      this.pick[this.pick.length - 1] = row * newColumns + there(place % columns, columns, newColumns);
    }
    this.moved();
  }

  goTo(place, pinned = true) {
    if (this.preview === null && place === this.held && pinned === this.pinned) return;
    this.pick[this.pick.length - 1] = place;
    this.pinned = pinned;
    this.preview = null;
    this.moved();
  }

  look(place) {
    if (place === this.preview) return;
    this.preview = place;
    this.draw();
  }

  moved() {
    this.draw();
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      this.model.set("state", this.state());
      this.model.save_changes();
    }, 250);
  }

  /** The kernel (or another view) asks for a state. */
  follow() {
    if (!this.spec || JSON.stringify(this.model.get("state")) === JSON.stringify(this.state())) return;
    const pick = this.pickOf(this.model.get("state"));
    if (!pick) return;
    this.pick = pick;
    this.preview = null;
    this.draw();
  }

  keepFromNotebook(event) {
    if (event.key === "Escape" && this.pinned) {
      this.goTo(this.held, false);
      event.stopPropagation(); // the second Escape is the notebook's
    }
    if (isNotebooks(event)) return;
    event.stopPropagation(); // else the notebook takes arrows as "next cell" and letters as commands
  }

  key(event, panel) {
    if (isNotebooks(event)) return;
    const { rows, columns } = this.geometry(panel);
    const from = this.held;
    const [row, column] = [Math.floor(from / columns), from % columns];
    const last = this.grid[0] * this.grid[1] - 1;
    const inSheet = panel.spec.spots === "sheet";
    const to = {
      ArrowLeft: (inSheet && from > 0) || column > 0 ? from - 1 : from,
      ArrowRight: (inSheet && from < last) || column < columns - 1 ? from + 1 : from,
      ArrowUp: row > 0 ? from - columns : from,
      ArrowDown: row < rows - 1 ? Math.min(from + columns, last) : from,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.goTo(to);
  }

  build() {
    const { spec, root } = this;
    root.replaceChildren();
    root.dataset.explorer = spec.name;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", spec.title);
    const choices = spec.settings.map((setting, k) => [setting, k]).filter(([setting]) => setting.values.length > 1);
    this.controls = choices.map(([setting, k]) => this.control(setting, k));
    if (spec.place) this.controls.push(this.placeControl(spec.place));
    const bar = make("div", { class: "controls" }, ...this.controls.map((control) => control.node));
    if (spec.upload) bar.append(this.uploadControl(spec.upload));
    this.words = make("p", { class: "words" });
    this.live = make("p", { class: "unseen", "aria-live": "polite", "aria-atomic": "true" });
    this.note = make("p", { class: "note", role: "status" });
    this.panels = spec.panels.map((panel, k) => this.panel(panel, k));
    const columns = [];
    for (const panel of this.panels) {
      if (!panel.spec.beneath) columns.push(make("div", { class: "column" }));
      columns.at(-1).append(panel.node);
    }
    const title = make("p", { class: "title" }, spec.title);
    const head = make("div", { class: "head" }, title, bar, this.note, this.words, this.live);
    this.side = make("div", { class: "panels" }, ...columns);
    root.append(head, this.side);
  }

  control(setting, k) {
    if (setting.kind === "switch") return this.switchControl(setting, k);
    if (setting.kind === "choice" && setting.values.length <= 5) return this.radioControl(setting, k);
    if (setting.kind === "choice") return this.listControl(setting, k);
    const now = () => [this.pick[k], setting.values.length - 1, setting.texts[this.pick[k]]];
    return this.sliderControl(setting, (value) => this.choose(k, value), now);
  }

  /** `now` gives the value, the largest one, how it is written, and a hint. */
  sliderControl(setting, choose, now) {
    const id = `${this.id}-${setting.name}`;
    const input = make("input", { type: "range", id, min: 0, step: 1, "data-setting": setting.name });
    const room = setting.texts && `min-width: ${Math.max(...setting.texts.map((text) => text.length))}ch`;
    const shown = make("output", { for: id, style: room }); // nothing jumps when texts grow
    input.addEventListener("input", () => choose(Number(input.value)));
    const show = () => {
      const [value, max, text, hint = ""] = now();
      input.max = max;
      input.value = value;
      input.setAttribute("aria-valuetext", text);
      shown.textContent = text + hint;
    };
    const node = make("div", { class: "control" }, make("label", { for: id }, setting.label), input, shown);
    return { node, show };
  }

  placeControl(place) {
    const canPoint = this.spec.panels.some((panel) => panel.spots);
    const now = () => {
      const last = this.grid[0] * this.grid[1] - 1;
      if (this.pinned) return [this.at, last, `${this.at}, pinned`, canPoint ? " (Esc lets go)" : ""];
      return [this.at, last, `${this.at} (0 to ${last})`, canPoint ? "; click pins it" : ""];
    };
    const control = this.sliderControl(place, (value) => this.goTo(value), now);
    control.node.classList.add("place");
    return control;
  }

  radioControl(setting, k) {
    const inputs = setting.texts.map((text, value) => {
      const input = make("input", { type: "radio", name: `${this.id}-${setting.name}`, value });
      input.addEventListener("change", () => this.choose(k, value));
      return input;
    });
    const options = setting.texts.map((text, v) => make("label", {}, inputs[v], make("span", {}, text)));
    const shown = [make("legend", {}, setting.label), make("div", { class: "options" }, ...options)];
    const node = make("fieldset", { class: "control", "data-setting": setting.name }, ...shown);
    return { node, show: () => void (inputs[this.pick[k]].checked = true) };
  }

  listControl(setting, k) {
    const id = `${this.id}-${setting.name}`;
    const options = setting.texts.map((text, value) => make("option", { value }, text));
    const list = make("select", { id, "data-setting": setting.name }, ...options);
    list.addEventListener("change", () => this.choose(k, Number(list.value)));
    const node = make("div", { class: "control" }, make("label", { for: id }, setting.label), list);
    return { node, show: () => void (list.value = this.pick[k]) };
  }

  switchControl(setting, k) {
    const input = make("input", { type: "checkbox", role: "switch", "data-setting": setting.name });
    input.addEventListener("change", () => this.choose(k, Number(input.checked)));
    const node = make("label", { class: "control" }, input, make("span", {}, setting.label));
    return { node, show: () => void (input.checked = this.pick[k] === 1) };
  }

  panel(spec, k) {
    const id = `${this.id}-panel-${k}`;
    const name = this.spec.place?.label.toLowerCase();
    const label = `${spec.title}. A click or arrow keys pin the ${name}, Escape lets go.`;
    const pointed = { role: "application", "aria-roledescription": "image to point at", "aria-label": label, tabindex: 0 };
    const role = spec.spots ? pointed : { role: "img", "aria-label": spec.title };
    const canvas = make("canvas", { "data-panel": spec.title, "aria-describedby": `${id}-caption`, ...role });
    const caption = make("p", { class: "caption", id: `${id}-caption` });
    const node = make("div", { class: "panel" }, make("p", { class: "panel-title" }, spec.title), canvas, caption);
    const panel = { spec, canvas, caption, node, pen: canvas.getContext("2d") };
    panel.kinds = this.kinds(panel);
    if (spec.spots) {
      canvas.addEventListener("keydown", (event) => this.key(event, panel));
      const point = (event) => {
        const scale = canvas.width / (canvas.clientWidth || 1);
        const spot = this.spotAt(panel, event.offsetX * scale, event.offsetY * scale);
        if (spot === null) this.look(null);
        else if (event.buttons & 1) this.goTo(spot);
        else if (this.pinned) this.look(spot);
        else this.goTo(spot, false);
      };
      canvas.addEventListener("pointermove", point);
      canvas.addEventListener("pointerdown", point);
      canvas.addEventListener("pointerleave", () => this.look(null));
    }
    return panel;
  }

  watch() {
    const refit = new ResizeObserver(() => {
      if (!this.spec || !this.root.clientWidth || this.root.clientWidth === this.width) return;
      this.layout();
      this.draw();
    });
    refit.observe(this.root);
    const restyle = () => {
      this.ink = getComputedStyle(this.root).color;
      if (this.spec) this.draw();
    };
    const theme = new MutationObserver(restyle);
    for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", restyle);
    this.undo.push(() => refit.disconnect(), () => theme.disconnect());
    this.undo.push(() => dark.removeEventListener("change", restyle));
  }

  /** Gives the panels the largest size with which no state is too tall: the controls stand above them, or beside. */
  layout() {
    this.width = this.root.clientWidth;
    this.ink = getComputedStyle(this.root).color;
    this.dpr = window.devicePixelRatio || 1;
    const texts = [[this.words, this.spec.words.flat()], ...this.panels.map((p) => [p.caption, p.spec.captions])];
    for (const panel of this.panels) panel.ticks = this.widestTick(panel);
    for (const [node, all] of texts) {
      node.style.minHeight = "";
      node.textContent = all.reduce((longest, text) => (text.length > longest.length ? text : longest));
    }
    const wide = this.width >= NARROW;
    const tries = [];
    for (let scale = 1; scale > LEAST - STEP; scale -= STEP) {
      tries.push([scale, false]);
      if (scale < 1 - STEP) tries.push([scale + 2 * STEP, true]); // beside, where that gains something
    }
    let lowest = Infinity;
    let best;
    for (const way of tries) {
      const height = this.size(...way, wide);
      if (height < lowest) [lowest, best] = [height, way];
      if (!wide || height <= TALLEST - (this.model.above ?? 0)) break;
    }
    this.size(...best, wide); // smaller is not always lower: small tokens need more rows
    for (const [node] of texts) node.style.minHeight = `${node.offsetHeight}px`; // nothing jumps while settings move
    for (const panel of this.panels) panel.canvas.width = panel.wide;
  }

  /** Sizes everything but the canvases' own pixels; returns how tall that is, in CSS pixels. */
  size(scale, aside, wide) {
    this.root.classList.toggle("aside", aside);
    const room = this.side.clientWidth || 640;
    for (const panel of this.panels) {
      const left = MARGIN + (panel.spec.y_label ? 16 : 0);
      const right = MARGIN + (panel.spec.bar ? BAR + panel.ticks : 0);
      const inner = Math.min(panel.spec.size * scale, room - left - right);
      panel.left = Math.round(left * this.dpr);
      panel.inner = Math.floor(inner * this.dpr);
      panel.wide = Math.round((left + inner + right) * this.dpr);
      panel.around = Math.round((2 * MARGIN + (panel.spec.x_label ? 18 : 0)) * this.dpr);
      // As tall as the tallest state, so that nothing jumps while settings move; on a narrow screen that wastes too much.
      panel.reserved = wide ? Math.max(...panel.kinds.map((pick) => this.geometry(panel, pick).height)) : 0;
      panel.canvas.style.width = `${panel.wide / this.dpr}px`;
      panel.canvas.style.height = `${(panel.reserved + panel.around) / this.dpr}px`;
    }
    return this.root.offsetHeight;
  }

  /** Returns the width, in CSS pixels, of the longest number beside a panel's colour bar, in whatever state. */
  widestTick({ pen, spec }) {
    this.font(pen, 11);
    const texts = new Set((spec.bar?.ticks ?? []).flat().map(([, text]) => text));
    return Math.ceil(Math.max(0, ...[...texts].map((text) => pen.measureText(text).width)) / this.dpr);
  }

  /** Gives a canvas its height, and keeps the caption close below what is drawn. */
  fit(panel, g) {
    const height = Math.round(Math.max(g.height, panel.reserved) + panel.around);
    if (panel.canvas.height !== height) panel.canvas.height = height;
    panel.canvas.style.height = `${height / this.dpr}px`;
    const free = Math.max(0, panel.reserved - g.height) / this.dpr;
    panel.caption.style.transform = free ? `translateY(${-free}px)` : "";
  }

  /** Picks of which each gives a panel another shape. */
  kinds({ spec }) {
    const every = this.spec.settings.reduce((picks, s) => picks.flatMap((p) => s.values.map((_, k) => [...p, k])), [[]]);
    const shape = (pick) => {
      const { w, h, count } = this.page(spec.layers[0], pick);
      return [w, h, count, spec.columns?.[this.outer(pick)]].join();
    };
    return [...new Map(every.map((pick) => [shape(pick), pick])).values()];
  }

  /** Where the image of a panel lies on its canvas, and its places in it: their pitch is `w + gap`, `h + gap + head`. */
  geometry(panel, pick = this.pick) {
    const page = this.page(panel.spec.layers[0], pick);
    const [x, y] = [panel.left, Math.round(MARGIN * this.dpr)];
    if (panel.spec.spots !== "sheet") {
      const grid = panel.spec.spots ? this.spec.place.grids[this.outer(pick)] : [1, 1];
      const [rows, columns] = panel.spec.spots === "rows" ? [grid[0] * grid[1], 1] : grid;
      const width = roundly(panel.inner, page.w);
      const height = Math.round((width * page.h) / page.w);
      return { x, y, rows, columns, w: width / columns, h: height / rows, gap: 0, head: 0, width, height };
    }
    const gap = Math.round(GAP * this.dpr);
    let columns = Math.min(panel.spec.columns[this.outer(pick)], page.count);
    const side = () => Math.floor((panel.inner - gap * (columns - 1)) / columns);
    const least = (this.width < NARROW ? 10 : 4) * this.dpr;
    while (columns > 4 && side() < least) columns = Math.ceil(columns / 2);
    const w = roundly(Math.min(side(), Math.round(100 * this.dpr)), page.w);
    const h = Math.round((w * page.h) / page.w);
    const head = Math.round(13 * this.dpr);
    const rows = Math.ceil(page.count / columns);
    const [width, height] = [columns * (w + gap) - gap, rows * (h + gap + head) - gap];
    return { x, y, rows, columns, w, h, gap, head, width, height };
  }

  /** The box of place `i`, in device pixels. */
  box(g, i) {
    const left = g.x + (i % g.columns) * (g.w + g.gap);
    const top = g.y + g.head + Math.floor(i / g.columns) * (g.h + g.gap + g.head);
    const [x, y] = [Math.round(left), Math.round(top)];
    return [x, y, Math.round(left + g.w) - x, Math.round(top + g.h) - y];
  }

  spotAt(panel, x, y) {
    const g = this.geometry(panel);
    const column = Math.floor((x - g.x) / (g.w + g.gap));
    const row = Math.floor((y - g.y) / (g.h + g.gap + g.head));
    const spot = row * g.columns + column;
    const inside = column >= 0 && column < g.columns && row >= 0 && row < g.rows && spot < this.grid[0] * this.grid[1];
    return inside ? spot : null;
  }

  draw() {
    const began = performance.now();
    const outer = this.outer();
    for (const panel of this.panels) this.drawPanel(panel, outer);
    for (const control of this.controls) control.show();
    const words = this.spec.words[outer][this.at];
    this.words.textContent = words;
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => void (this.live.textContent = words), 150); // said once a sweep has stopped
    const state = this.state(this.at);
    this.root.dataset.state = JSON.stringify(state);
    const detail = { state, ms: performance.now() - began };
    this.root.dispatchEvent(new CustomEvent("explorer:drawn", { bubbles: true, detail }));
  }

  drawPanel(panel, outer) {
    const { pen, canvas, spec, caption } = panel;
    const g = this.geometry(panel);
    this.fit(panel, g);
    if (caption.textContent !== spec.captions[outer]) caption.textContent = spec.captions[outer];
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    for (const layer of spec.layers) {
      const page = this.page(layer);
      if (spec.spots === "sheet") {
        for (let i = 0; i < page.count; i++) this.drawPage(pen, page, i, ...this.box(g, i));
      } else {
        this.drawPage(pen, page, layer.place ? this.at : 0, g.x, g.y, g.width, g.height);
      }
    }
    if (spec.lines) this.drawLines(panel, g);
    if (spec.values) this.drawValues(panel, g);
    if (spec.spots === "sheet") this.drawNumbers(panel, g);
    if (spec.spots) this.drawOutline(pen, "#ffd600", this.pinned ? 3 : 2, ...this.box(g, this.held));
    if (spec.spots && this.at !== this.held) this.drawOutline(pen, "#fff", 2, ...this.box(g, this.at));
    if (spec.bar) this.drawBar(panel, g, outer);
    pen.fillStyle = this.ink;
    pen.textAlign = "center";
    this.font(pen, 11);
    if (spec.x_label) pen.fillText(spec.x_label, g.x + g.width / 2, g.y + g.height + 15 * this.dpr);
    if (spec.y_label) {
      pen.save();
      pen.translate(g.x - 9 * this.dpr, g.y + g.height / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillText(spec.y_label, 0, 0);
      pen.restore();
    }
  }

  drawPage(pen, page, i, x, y, w, h) {
    const left = (i % page.columns) * page.w;
    const top = Math.floor(i / page.columns) * page.h;
    pen.drawImage(page.image, left, top, page.w, page.h, x, y, w, h);
  }

  font(pen, size, weight = "normal") {
    pen.font = `${weight} ${size * this.dpr}px system-ui, sans-serif`;
  }

  drawLines(panel, g) {
    const { pen } = panel;
    const { rows, columns } = g;
    const thin = Math.max(1, Math.round(this.dpr));
    for (const [tone, shift] of [["rgba(0,0,0,0.45)", 0], ["rgba(255,255,255,0.75)", -thin]]) {
      pen.fillStyle = tone;
      for (let k = 1; k < columns; k++) pen.fillRect(g.x + Math.round((k * g.width) / columns) + shift, g.y, thin, g.height);
      for (let k = 1; k < rows; k++) pen.fillRect(g.x, g.y + Math.round((k * g.height) / rows) + shift, g.width, thin);
    }
  }

  /** Writes the number of a page above it: of every page where there is room, else of every second, fourth, … */
  drawNumbers(panel, g) {
    const { pen } = panel;
    const count = this.grid[0] * this.grid[1];
    pen.fillStyle = this.ink;
    pen.textAlign = "center";
    this.font(pen, 10);
    const room = pen.measureText(String(count - 1)).width + 6 * this.dpr;
    let step = 1;
    while (step * (g.w + g.gap) < room) step *= 2;
    const here = this.at % g.columns;
    for (let i = 0; i < count; i++) {
      const sameRow = Math.floor(i / g.columns) === Math.floor(this.at / g.columns);
      const near = sameRow && Math.abs((i % g.columns) - here) < step;
      if (i !== this.at && ((i % g.columns) % step || near)) continue;
      const [x, y, w] = this.box(g, i);
      this.font(pen, i === this.at ? 11 : 10, i === this.at ? "bold" : "normal");
      pen.fillText(String(i), x + w / 2, y - 4 * this.dpr);
    }
  }

  /** Writes into each pixel, where there is room, the number that it shows: its brightest channel. */
  drawValues(panel, g) {
    const { pen } = panel;
    const layer = panel.spec.layers[0];
    const page = this.page(layer);
    const cell = g.width / page.w;
    if (cell < 20 * this.dpr) return;
    const i = layer.place ? this.at : 0;
    const [left, top] = [(i % page.columns) * page.w, Math.floor(i / page.columns) * page.h];
    page.pixels ??= pixels(page.image);
    this.font(pen, Math.min(12, (0.45 * cell) / this.dpr));
    pen.textAlign = "center";
    for (let y = 0; y < page.h; y++) {
      for (let x = 0; x < page.w; x++) {
        const at = 4 * ((top + y) * page.image.width + left + x);
        const [r, green, b] = page.pixels.subarray(at, at + 3);
        const light = 0.2126 * (r / 255) ** 2.2 + 0.7152 * (green / 255) ** 2.2 + 0.0722 * (b / 255) ** 2.2;
        pen.fillStyle = light > 0.18 ? "#000" : "#fff"; // whichever stands out more
        pen.fillText(String(Math.max(r, green, b)), g.x + (x + 0.5) * cell, g.y + (y + 0.5) * cell + 4 * this.dpr);
      }
    }
  }

  drawOutline(pen, colour, width, x, y, w, h) {
    const unit = Math.max(1, Math.round(this.dpr));
    const away = ((width + 2) * unit) / 2; // from the box to the middle of the line, which is dark on both sides
    for (const [tone, thickness] of [["#000", width + 2], [colour, width]]) {
      pen.strokeStyle = tone;
      pen.lineWidth = thickness * unit;
      pen.strokeRect(x - away, y - away, w + 2 * away, h + 2 * away);
    }
  }

  drawBar(panel, g, outer) {
    const { pen, spec } = panel;
    const page = this.pages[spec.bar.page];
    const unit = this.dpr;
    const [x, w] = [g.x + g.width + Math.round(12 * unit), Math.round(14 * unit)];
    pen.imageSmoothingEnabled = true;
    pen.drawImage(page.image, 0, 0, page.w, page.h, x, g.y, w, g.height);
    pen.fillStyle = this.ink;
    pen.textAlign = "left";
    this.font(pen, 11);
    const written = [];
    // The ends first: where a bar is short, what lies between has no room.
    for (const [at, text] of [...spec.bar.ticks[outer]].sort(([a], [b]) => Math.abs(b - 0.5) - Math.abs(a - 0.5))) {
      const y = g.y + (1 - at) * g.height;
      pen.fillRect(x + w, Math.min(y, g.y + g.height - unit), 4 * unit, Math.max(1, Math.round(unit)));
      const base = Math.min(Math.max(y + 4 * unit, g.y + 9 * unit), g.y + g.height);
      if (written.some((other) => Math.abs(other - base) < 11 * unit)) continue;
      pen.fillText(text, x + w + 7 * unit, base);
      written.push(base);
    }
  }

  uploadControl(label) {
    const input = make("input", { type: "file", accept: "image/*", hidden: true, "aria-label": label });
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      if (input.files.length) this.upload(input.files[0]);
      input.value = "";
    });
    return make("div", { class: "control" }, button, input);
  }

  async upload(file) {
    let image;
    try {
      image = await createImageBitmap(file);
    } catch {
      this.status(`“${file.name}” is not an image that this browser can read. Try a PNG or a JPEG file.`, true);
      return;
    }
    const scale = Math.min(1, 512 / Math.max(image.width, image.height));
    const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
    const canvas = make("canvas", { width, height });
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, width, height);
    const data = canvas.toDataURL("image/png").split(",")[1];
    this.status(`Cutting “${file.name}” into patches…`);
    const silent = "No answer from Python. Is the kernel running and free? Then try again.";
    this.waiting = setTimeout(() => this.status(silent, true), 20000);
    this.model.send({ kind: "image", name: file.name, data });
  }

  status(text, isProblem = false) {
    clearTimeout(this.waiting);
    this.note.textContent = text;
    this.note.classList.toggle("problem", isProblem);
  }

  remove() {
    for (const act of this.undo) act();
    for (const timer of [this.saving, this.announcing, this.waiting]) clearTimeout(timer);
  }
}

/** Several explorers under tabs. Each is built when its tab is first opened: what is hidden has no width to fill. */
class Tabs {
  constructor(model, el) {
    const id = `course-tabs-${Math.random().toString(36).slice(2)}`;
    this.tabs = model.get("spec").tabs.map((tab, k) => {
      const shown = { role: "tab", type: "button", id: `${id}-tab-${k}`, "aria-controls": `${id}-${k}` };
      const button = make("button", shown, tab.label);
      const panel = make("div", { role: "tabpanel", id: `${id}-${k}`, "aria-labelledby": `${id}-tab-${k}`, hidden: true });
      button.addEventListener("click", () => this.open(k));
      return { button, panel, model: this.part(model, tab), view: null };
    });
    const list = make("div", { role: "tablist" }, ...this.tabs.map(({ button }) => button));
    list.addEventListener("keydown", (event) => this.key(event));
    el.append(make("div", { class: "course-tabs", "data-lm-suppress-shortcuts": "true" }, list));
    el.append(...this.tabs.map(({ panel }) => panel));
    this.open(0);
  }

  /** What an explorer under a tab takes for its own model. */
  part(model, { label, spec, bytes: [start, length] }) {
    const { buffer, byteOffset } = model.get("pages");
    const own = { spec, pages: new DataView(buffer, byteOffset + start, length) };
    return {
      above: TAB_BAR,
      get: (key) => (key === "state" ? model.get("state")?.[label] : (own[key] ?? model.get(key))),
      set: (key, value) => model.set(key, { ...model.get(key), [label]: value }),
      save_changes: () => model.save_changes(),
      on: (name, act) => model.on(name, act),
      off: (name, act) => model.off(name, act),
    };
  }

  open(which) {
    this.tabs.forEach(({ button, panel }, k) => {
      button.setAttribute("aria-selected", String(k === which));
      button.tabIndex = k === which ? 0 : -1;
      panel.hidden = k !== which;
    });
    const tab = this.tabs[which];
    tab.view ??= new View(tab.model, tab.panel);
  }

  key(event) {
    if (isNotebooks(event)) return;
    event.stopPropagation(); // else the notebook takes arrows as "next cell"
    const [at, count] = [this.tabs.findIndex(({ button }) => button.tabIndex === 0), this.tabs.length];
    const to = { ArrowLeft: (at + count - 1) % count, ArrowRight: (at + 1) % count, Home: 0, End: count - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.open(to);
    this.tabs[to].button.focus();
  }

  remove() {
    for (const { view } of this.tabs) view?.remove();
  }
}

function render({ model, el }) {
  const view = model.get("spec").tabs ? new Tabs(model, el) : new View(model, el);
  return () => view.remove();
}

export default { render };
