// An explorer lies in a frame of its own: the frame takes its height, and its page the colours of this one.
const frames = () => [...document.querySelectorAll("iframe.explorer")];
const theme = () => {
  const chosen = document.body.dataset.theme;
  return chosen === "dark" || chosen === "light" ? chosen : "auto";
};
const tell = (frame) => frame.contentWindow.postMessage({ theme: theme() }, "*");
window.addEventListener("message", ({ data, source }) => {
  const frame = frames().find((one) => one.contentWindow === source);
  if (frame && typeof data?.height === "number") {
    frame.style.height = `${Math.ceil(data.height)}px`;
    tell(frame);
  }
});
// What scrolls can be reached by the keyboard.
const reachable = () => {
  for (const part of document.querySelectorAll("article :is(pre, table, div.math, .table-wrapper)")) {
    if (part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
};
window.addEventListener("resize", reachable);
document.addEventListener("DOMContentLoaded", () => {
  reachable();
  new MutationObserver(() => frames().forEach(tell)).observe(document.body, { attributeFilter: ["data-theme"] });
});
