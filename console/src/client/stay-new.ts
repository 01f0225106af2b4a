// A page whose content changed is asked for again by its own address, and its middle is put in the old one's place.

/** Shown while the connection is lost. */
const LOST = "Not live: the console does not answer.";

export function stayNew(dress: () => void): void {
  const status = document.querySelector("#live");
  const say = (text: string) => {
    if (status !== null && status.textContent !== text) status.textContent = text;
  };
  // What somebody is filling in, or has turned to an older page, is left as it is.
  const isStill = () => location.pathname === "/explain" || new URLSearchParams(location.search).has("before");
  let isAsking = false;
  let isStale = false;
  const events = new EventSource("/live");
  events.addEventListener("open", () => say("Live."));
  events.addEventListener("error", () => say(LOST));
  events.addEventListener("changed", () => void renew());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isStale) void renew();
  });

  async function renew(): Promise<void> {
    isStale = true;
    const busy =
      document.activeElement instanceof HTMLInputElement &&
      document.querySelector("main")?.contains(document.activeElement);
    if (isAsking || document.hidden || busy || isStill()) return;
    isAsking = true;
    isStale = false;
    try {
      const answer = await fetch(location.href);
      if (answer.ok) replaceMain(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      say(LOST);
    } finally {
      isAsking = false;
    }
    if (isStale) void renew();
  }

  function replaceMain(page: Document): void {
    const next = page.querySelector("main");
    const main = document.querySelector("main");
    if (next === null || main === null || next.innerHTML === main.dataset["html"]) return;
    const focused =
      document.activeElement instanceof HTMLAnchorElement ? document.activeElement.getAttribute("href") : null;
    main.replaceChildren(...next.childNodes);
    dress();
    if (focused !== null) main.querySelector<HTMLAnchorElement>(`a.open[href="${CSS.escape(focused)}"]`)?.focus();
  }
}
