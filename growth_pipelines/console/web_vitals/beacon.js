/* Sends what web-vitals measured, once each time the page is hidden: no cookie, no identity, no query of an address. */
(() => {
  "use strict";
  const SESSION = "growth-web-vitals";
  const SESSION_LIFE = 30 * 60 * 1000;
  const script = document.currentScript;
  if (navigator.doNotTrack === "1" || navigator.globalPrivacyControl || !script || !navigator.sendBeacon) return;

  const endpoint = new URL("web-vitals", script.src).href;
  const page = location.origin + location.pathname;
  const waiting = new Map();
  let session;

  /* Shopify's consent banner, where the shop has one, has the last word. */
  function mayMeasure() {
    const consent = window.Shopify && window.Shopify.customerPrivacy;
    return !consent || !consent.analyticsProcessingAllowed || consent.analyticsProcessingAllowed();
  }

  function randomId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /* A session is what a tab does without a break of 30 minutes; the page that began it is where it landed. */
  function visit() {
    if (session) return session;
    let known = null;
    try {
      known = JSON.parse(sessionStorage.getItem(SESSION));
    } catch {
      /* Storage is blocked or holds something else. */
    }
    const alive = known && performance.timeOrigin - known.at < SESSION_LIFE;
    session = alive
      ? { id: known.id, landing: false, landing_page: known.landing_page }
      : { id: randomId(), landing: true, landing_page: location.pathname };
    return session;
  }

  function remember() {
    try {
      const { id, landing_page } = session;
      sessionStorage.setItem(SESSION, JSON.stringify({ id, landing_page, at: Date.now() }));
      return true;
    } catch {
      return false;
    }
  }

  function send() {
    if (!waiting.size || !mayMeasure()) return;
    const { id, landing, landing_page } = visit();
    /* A session that can't be remembered would begin anew on each page, so it is none. */
    const visited = remember() ? { session: id, landing, landing_page } : {};
    /* A tablet of Apple's calls itself a Mac; other devices are told by the browser's own name. */
    const device = navigator.maxTouchPoints > 1 && /Macintosh/.test(navigator.userAgent) ? "tablet" : undefined;
    const body = JSON.stringify({ page, device, ...visited, metrics: [...waiting.values()] });
    if (navigator.sendBeacon(endpoint, body)) waiting.clear();
  }

  function measured({ name, value, delta, rating, id, navigationType }) {
    waiting.set(id, { name, value, delta, rating, id, navigationType });
  }

  for (const metric of ["LCP", "INP", "CLS", "FCP", "TTFB"]) webVitals[`on${metric}`](measured);
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && send());
})();
