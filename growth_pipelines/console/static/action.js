// Judges a text while it is typed. Without this the form's "Check" button does the same with a new page.

const form = document.querySelector("[data-check]");

if (form) {
  const slots = [...form.querySelectorAll("[data-slot]")];
  const said = form.querySelector("[data-judged]");
  let waiting = 0;
  let asked = 0;

  // Each verdict goes under its own text; what was unfolded stays so.
  const show = (html) => {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    for (const slot of slots) {
      const verdict = fresh.content.querySelector(`[data-for="${slot.dataset.slot}"]`);
      const unfolded = slot.querySelector("details")?.open ?? false;
      slot.replaceChildren(...(verdict ? [verdict] : []));
      const details = slot.querySelector("details");
      if (details) details.open = unfolded;
    }
  };

  const check = async () => {
    const mine = (asked += 1);
    slots.forEach((slot) => slot.setAttribute("aria-busy", "true"));
    try {
      const answer = await fetch(form.dataset.check, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Fragment": "1", Accept: "text/html" },
        credentials: "same-origin",
      });
      // An answer to older words is no answer any more.
      if (mine !== asked || !answer.ok) return;
      show(await answer.text());
      const problems = form.querySelectorAll(".problems li").length;
      said.textContent = problems ? `Checked: ${problems} ${problems === 1 ? "problem" : "problems"}.` : "Checked: no problems.";
    } catch {
      said.textContent = "The text can't be checked now.";
    } finally {
      if (mine === asked) slots.forEach((slot) => slot.removeAttribute("aria-busy"));
    }
  };

  // Asked for when the form is opened first, so that who only reads the page waits for nothing.
  const drawer = form.closest("details");
  const first = () => drawer.open && !asked && check();
  drawer.addEventListener("toggle", first);
  first();

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(check, 350);
  });
  form.addEventListener("submit", (event) => {
    if (!event.submitter?.formAction.endsWith("/check")) return;
    event.preventDefault();
    event.stopPropagation();
    clearTimeout(waiting);
    check();
  });
}
