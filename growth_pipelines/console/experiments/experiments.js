/* Draws this browser's arms of the shop's experiments, and reports which were shown and what was done then.
   growthExperiments.arm("key") is a promise of the arm's name, null outside: call it where the difference is shown.
   growthExperiments.count("carts", id) counts what was done; the same id counts once. */
(() => {
  "use strict";
  const VISITOR = "growth-visitor";
  const SESSION = "growth-visit";
  const script = typeof document === "undefined" ? null : document.currentScript;
  const endpoint = script ? new URL("experiments", script.src).href : "";

  /* Shopify's consent banner, where the shop has one, has the last word. */
  function mayCount() {
    if (navigator.doNotTrack === "1" || navigator.globalPrivacyControl) return false;
    const consent = window.Shopify && window.Shopify.customerPrivacy;
    return !consent || !consent.analyticsProcessingAllowed || consent.analyticsProcessingAllowed();
  }

  function randomId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /* A first-party id that means nothing elsewhere; null where it can't be kept, so that nobody changes arms. */
  function visitor() {
    try {
      let id = localStorage.getItem(VISITOR);
      if (!/^[0-9a-f]{32}$/.test(id || "")) localStorage.setItem(VISITOR, (id = randomId()));
      return id;
    } catch {
      return null;
    }
  }

  function word(bytes, from) {
    let value = 0;
    for (let place = from; place < from + 6; place += 1) value = value * 256 + bytes[place];
    return value;
  }

  /* The same draw as the server's: bytes 0 to 5 say whether the unit takes part, bytes 8 to 13 which arm it gets. */
  async function draw(unit, experiment) {
    if (experiment.promoted) return experiment.promoted;
    const text = new TextEncoder().encode(`${experiment.key}\0${unit}`);
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
    if (word(bytes, 0) >= experiment.share) return null;
    const drawn = word(bytes, 8);
    return experiment.bounds.find(([, upper]) => drawn < upper)[0];
  }

  let asked;
  function running() {
    asked = asked || fetch(endpoint, { credentials: "omit" }).then((answer) => (answer.ok ? answer.json() : { experiments: [] }));
    return asked.catch(() => ({ experiments: [] }));
  }

  function send(body) {
    const id = mayCount() && visitor();
    if (id) navigator.sendBeacon(endpoint, JSON.stringify({ visitor: id, ...body }));
  }

  const shown = new Map();
  async function drawn(key) {
    const experiment = (await running()).experiments.find((one) => one.key === key);
    if (!experiment) return null;
    if (experiment.promoted) return experiment.promoted;
    const id = mayCount() && visitor();
    if (!id) return null;
    const name = await draw(id, experiment);
    if (name !== null) send({ exposures: [key] });
    return name;
  }

  function arm(key) {
    /* Without secure hashing (a page by plain http) or a readable answer, the shop is shown as it is. */
    if (!shown.has(key)) shown.set(key, drawn(key).catch(() => null));
    return shown.get(key);
  }

  function count(metric, id) {
    send({ events: [{ id: String(id || randomId()), metric }] });
  }

  function visit() {
    /* Nothing is kept of who said no, and who says yes on a later page begins to be counted there. */
    if (!mayCount()) return;
    try {
      if (sessionStorage.getItem(SESSION)) return;
      const id = randomId();
      sessionStorage.setItem(SESSION, id);
      count("sessions", id);
    } catch {
      /* Storage is blocked: a session that can't be remembered would begin anew on each page. */
    }
  }

  const growthExperiments = { arm, count, draw };
  if (typeof module !== "undefined") module.exports = growthExperiments;
  if (script) {
    window.growthExperiments = growthExperiments;
    visit();
  }
})();
