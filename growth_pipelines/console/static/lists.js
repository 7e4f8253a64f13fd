// Lists that are decided in: forms that open in a row, answers that take its place, ticks, and news of changes.

const POLL_MS = 20_000;

/* What a swap brought has the focus where it asks for it, and the row's own key is then pressed. */

document.addEventListener("htmx:after:swap", () => {
  const arrived = document.querySelector("[data-focus]");
  if (!arrived) return;
  arrived.removeAttribute("data-focus");
  arrived.focus({ preventScroll: true });
  const item = arrived.closest("li");
  item?.scrollIntoView({ block: "nearest" });
  item?.dispatchEvent(new Event("look"));
  count();
});

function say(text) {
  document.getElementById("said").textContent = text;
}

function settle(form) {
  if (form?.matches?.("form")) form.removeAttribute("aria-busy");
}

document.addEventListener("htmx:finally:request", (event) => settle(event.detail.ctx?.sourceElement));
document.addEventListener("htmx:error", (event) => {
  // A poll that fails says nothing; the next one may not.
  if (event.detail.ctx?.sourceElement?.id === "poll") return;
  say("The console does not answer. Nothing was decided; try again.");
  const shown = document.getElementById("changes");
  if (shown) {
    shown.innerHTML = document.getElementById("no-answer").innerHTML;
  }
});

/* Ticks: how many, and all of a page at once. */

const boxes = () => [...document.querySelectorAll("input[name=item]")];
const chosen = document.querySelector("[data-chosen]");
const all = document.querySelector("[data-all-of-page]");
const untouched = chosen?.textContent;

function count() {
  if (!chosen) return;
  const ticked = boxes().filter((box) => box.checked).length;
  chosen.textContent = ticked ? `${ticked} ticked` : untouched;
  for (const button of document.querySelectorAll("#bulk button")) button.disabled = !ticked;
  const box = all.querySelector("input");
  box.checked = ticked > 0 && ticked === boxes().length;
  box.indeterminate = ticked > 0 && !box.checked;
}

if (chosen) {
  all.hidden = false;
  all.addEventListener("change", ({ target }) => {
    for (const box of boxes()) box.checked = target.checked;
    count();
  });
  document.addEventListener("change", ({ target }) => target.name === "item" && count());
  // A page that comes back from the browser's memory keeps its ticks.
  window.addEventListener("pageshow", count);
}

/* News, only while someone looks. */

function poll() {
  if (document.visibilityState === "visible") document.body.dispatchEvent(new Event("poll"));
}
if (document.getElementById("poll")) {
  setInterval(poll, POLL_MS);
  document.addEventListener("visibilitychange", poll);
}
