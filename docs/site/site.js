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
document.addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => frames().forEach(tell)).observe(document.body, { attributeFilter: ["data-theme"] });
});
