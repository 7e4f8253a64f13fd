// What the forms gain from a script: counters, a live preview, being sent once. Without it they still work.
// Keys are in keys.js, lists in lists.js.

/* Forms are sent once, however often the button is clicked. */

// A form that is under way is stopped before anyone hears of it, so that a second click is no second request of
// a script either; one that a script keeps to itself is not under way.
const busy = (form) => form.getAttribute("aria-busy") === "true";
document.addEventListener(
  "submit",
  (event) => {
    if (!busy(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
document.addEventListener("submit", ({ target }) => {
  if (target.getAttribute("method") !== "dialog") target.setAttribute("aria-busy", "true");
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
