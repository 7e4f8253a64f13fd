// What the pages gain from a script: keys, counters, a live preview. Without it every form still works.

const typing = (element) =>
  element.closest("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox])");

/* Keys. j and k move along the rows of a list, or between actions; Enter is the link's or button's own. */

const rows = [...document.querySelectorAll("[data-row]")];

function moveAlongRows(step) {
  const at = rows.indexOf(document.activeElement);
  const next = at === -1 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
  rows[next].focus();
  rows[next].closest("li").scrollIntoView({ block: "nearest" });
}

function say(text) {
  const place = document.querySelector("[data-say]");
  if (place) place.textContent = text;
}

// "a" alone never decides: it moves to the button, and Enter there is the decision.
function arm(button) {
  button.focus();
  button.scrollIntoView({ block: "nearest" });
  say("Press Enter to approve, Esc to leave.");
  button.addEventListener("blur", () => say(""), { once: true });
}

function open(details) {
  for (const other of document.querySelectorAll("details.more[open]")) other.open = false;
  details.open = true;
  const first = details.querySelector("input:not([type=hidden]), textarea, select");
  if (first) first.focus();
  details.scrollIntoView({ block: "nearest" });
}

function escape(target) {
  if (typing(target)) return target.blur();
  const opened = document.querySelector("details.more[open]");
  if (opened) {
    opened.open = false;
    return opened.querySelector("summary").focus();
  }
  if (target.matches("[data-key=a]")) return target.blur();
  document.querySelector("a[data-key=Escape]")?.click();
}

function press(key) {
  const target = document.querySelector(`[data-key="${key}"]`);
  if (target) {
    if (target.matches("details")) open(target);
    else if (key === "a") arm(target);
    else target.click();
    return true;
  }
  if (rows.length && "are".includes(key)) {
    const row = rows.includes(document.activeElement) ? document.activeElement : rows[0];
    location.assign(`${row.href}#${key}`);
    return true;
  }
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape") return escape(event.target);
  if (typing(event.target)) return;
  if (rows.length && (event.key === "j" || event.key === "k")) {
    event.preventDefault();
    return moveAlongRows(event.key === "j" ? 1 : -1);
  }
  if ("jkare".includes(event.key) && press(event.key)) event.preventDefault();
});

if (location.hash.length === 2 && "are".includes(location.hash[1]) && !rows.length) press(location.hash[1]);

/* Forms are sent once, however often the button is clicked. */

document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("aria-busy") === "true") return event.preventDefault();
  event.target.setAttribute("aria-busy", "true");
});
// Who comes in through a proxy that signed them in need not click.
document.querySelector("form[data-at-once]")?.requestSubmit();
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

/* Counters and the preview follow what is typed. */

for (const field of document.querySelectorAll("[data-limit]")) {
  const count = document.getElementById(field.dataset.count);
  const shown = field.dataset.previews && document.querySelector(`[data-preview="${field.dataset.previews}"]`);
  const follow = () => {
    const length = [...field.value].length;
    count.textContent = `${length} of ${field.dataset.limit} characters`;
    count.classList.toggle("over", length > Number(field.dataset.limit));
    if (shown) shown.textContent = field.value;
  };
  field.addEventListener("input", follow);
}
for (const choice of document.querySelectorAll("[data-fills]")) {
  choice.addEventListener("click", () => {
    const field = document.getElementById(choice.dataset.fills);
    field.value = choice.dataset.text;
    field.dispatchEvent(new Event("input"));
    field.focus();
  });
}

/* A list that is put in order shows the order at once; the server makes the same of the places alone. */

for (const list of document.querySelectorAll("[data-places]")) {
  list.addEventListener("change", ({ target }) => {
    const moved = target.closest("li");
    const isOut = (row) => row.querySelector("select").value === "out";
    const others = [...list.children].filter((row) => row !== moved);
    const shown = others.filter((row) => !isOut(row));
    const out = others.filter(isOut);
    if (isOut(moved)) out.unshift(moved);
    else shown.splice(Number(target.value) - 1, 0, moved);
    list.append(...shown, ...out);
    shown.forEach((row, at) => (row.querySelector("select").value = String(at + 1)));
    for (const row of list.children) row.classList.toggle("left-out", isOut(row));
    target.focus();
  });
}

/* A page that answers a form keeps the address of the action it shows. */

const address = document.body.dataset.address;
if (address) history.replaceState(null, "", address);
document.querySelector("[data-notice] a[data-next]")?.focus();
