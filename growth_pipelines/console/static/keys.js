// Keys, one way on every page: j and k along a list or between actions, a r e x, Escape one step back, ? shows all.
// Enter is the link's or button's own. On a list "a" and "r" open the forms in the row where it has them, else the
// action's page with the form open.

const SWITCH = "growth-keys";
const typing = (element) =>
  element.closest("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox])");
const help = document.getElementById("help");
const rows = () => [...document.querySelectorAll("[data-row]")];

const isOff = () => localStorage.getItem(SWITCH) === "off";

/* The row with the focus in it, else the first. */
function currentRow() {
  return document.activeElement.closest("li")?.querySelector("[data-row]") ?? rows()[0];
}

function moveAlongRows(step) {
  const all = rows();
  const here = document.activeElement;
  const at = all.indexOf(here);
  const isAfter = (row) => here.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING;
  const following = at === -1 ? all.findIndex(isAfter) : at + 1;
  const wanted = step > 0 ? (following === -1 ? all.length - 1 : following) : at === -1 ? following - 1 : at - 1;
  // From nowhere, k begins at the end.
  const nowhere = here === document.body || here === document.documentElement;
  const next = all[nowhere && step < 0 ? all.length - 1 : Math.min(all.length - 1, Math.max(0, wanted))];
  next.focus();
  next.closest("li").scrollIntoView({ block: "nearest" });
}

function say(button, text) {
  const place = button.closest("form")?.querySelector("[data-say]");
  if (place) place.textContent = text;
}

// "a" alone never decides: it moves to the button, and Enter there is the decision.
function arm(button) {
  button.focus();
  button.scrollIntoView({ block: "nearest" });
  say(button, "Press Enter to approve, Esc to leave.");
  button.addEventListener("blur", () => say(button, ""), { once: true });
}

function open(details) {
  const others = details.closest(".look-forms, main").querySelectorAll("details.more[open]");
  for (const other of others) other.open = false;
  details.open = true;
  const first = details.querySelector("input:not([type=hidden]), textarea, select");
  if (first) first.focus();
  details.scrollIntoView({ block: "nearest" });
}

function use(target, key) {
  if (target.matches("details")) open(target);
  else if (key === "a") arm(target);
  else target.click();
}

/* What a key does in the row: its own form once that is there, which the list loads; else on the action's page. */
function pressInRow(row, key) {
  const item = row.closest("li");
  const target = item.querySelector(`[data-key="${key}"]`);
  if (target) return use(target, key);
  const look = item.querySelector("[data-look]");
  if (!look || key === "e" || !window.htmx) return location.assign(`${row.href}#${key}`);
  item.addEventListener("look", () => pressLoaded(item, key), { once: true });
  look.click();
}

function pressLoaded(item, key) {
  const target = item.querySelector(`[data-key="${key}"]`);
  if (target) use(target, key);
}

function press(key) {
  if (rows().length) {
    const row = currentRow();
    if (key === "x") row.closest("li").querySelector("input[name=item]")?.click();
    else if ("are".includes(key)) pressInRow(row, key);
    return true;
  }
  const target = document.querySelector(`[data-key="${key}"]`);
  if (target) use(target, key);
  return Boolean(target);
}

/* One step back: out of a field, a form, the forms of a row, what is ticked, the page. */
function escape(target) {
  if (typing(target)) return target.blur();
  const opened = document.querySelector("details.menu[open], details.more[open]");
  if (opened) {
    opened.open = false;
    return opened.querySelector("summary").focus();
  }
  const look = target.closest("li")?.querySelector(".look");
  if (look?.hasChildNodes()) {
    look.replaceChildren();
    return look.closest("li").querySelector("[data-row]").focus();
  }
  if (target.matches("[data-key=a]")) return target.blur();
  const ticked = document.querySelectorAll("input[name=item]:checked");
  for (const box of ticked) box.click();
  if (!ticked.length) document.querySelector("a[data-key=Escape]")?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (help?.open) return;
  if (event.key === "Escape") return escape(event.target);
  if (typing(event.target) || (isOff() && event.key !== "?")) return;
  if (event.key === "?") {
    event.preventDefault();
    return help?.showModal();
  }
  if (rows().length && (event.key === "j" || event.key === "k")) {
    event.preventDefault();
    return moveAlongRows(event.key === "j" ? 1 : -1);
  }
  if ("jkarex".includes(event.key) && press(event.key)) event.preventDefault();
});

// A menu closes when something else is used.
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
});

// Single letters can be switched off, for those whose speech software types them.
const keysOn = document.querySelector("[data-keys-on]");
if (keysOn) {
  keysOn.checked = !isOff();
  keysOn.addEventListener("change", () => localStorage.setItem(SWITCH, keysOn.checked ? "on" : "off"));
}
for (const opener of document.querySelectorAll("[data-help]")) opener.addEventListener("click", () => help.showModal());

if (location.hash.length === 2 && "are".includes(location.hash[1]) && !rows().length) press(location.hash[1]);
