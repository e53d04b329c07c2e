/** Whether what is shown is live: a pill for the whole page, a badge for each panel, and grey over what is old. */

import type { Store } from "../feed/store";
import { STREAMS, type Link, type LinkName, type Topic } from "../feed/topics";
import { age } from "../pure/time";
import { h, mark, say } from "./dom";

export function connectionPill(store: Store): HTMLElement {
  const words = h("span", {}, "connecting…");
  const detail = h("span", { class: "pop", role: "tooltip", id: "connection-detail" });
  const pill = h(
    "button",
    { class: "pill connection", type: "button", "data-testid": "connection", "aria-describedby": "connection-detail" },
    h("i", { class: "dot", "aria-hidden": "true" }),
    words,
    detail,
  );
  mark(pill, "state", "connecting");
  store.on("links", (links) => {
    const known = STREAMS.map((name) => links[name]?.state ?? "connecting");
    const live = known.filter((state) => state === "live").length;
    const state = live === known.length ? "live" : known.includes("reconnecting") ? "reconnecting" : "connecting";
    mark(pill, "state", state);
    say(words, state === "live" ? "live" : `${state}… ${live}/${known.length}`);
    say(detail, Object.entries(links).map(([name, link]) => lineOf(name, link)).join("\n"));
  });
  return pill;
}

function lineOf(name: string, link: Link): string {
  const tries = link.attempt > 0 && link.state !== "live" ? ` (attempt ${link.attempt})` : "";
  return `${name}: ${link.state}${tries}${link.error ? ` · ${link.error}` : ""}`;
}

/** A badge in a panel's head that is empty while all is well. */
export function linkBadge(store: Store, ...names: LinkName[]): HTMLElement {
  const badge = h("span", { class: "badge", role: "status" });
  store.on("links", (links) => {
    const broken = names.map((name) => links[name]).find((link) => link && link.state !== "live");
    mark(badge, "state", broken?.state ?? "live");
    say(badge, broken ? `${broken.state}…` : "");
    badge.title = broken?.error ?? "";
  });
  return badge;
}

/** Greys a panel whose figures are old or whose stream is broken, and says how old they are. */
export function watchAge(store: Store, root: HTMLElement, badge: HTMLElement, topic: Topic, name: LinkName, limitMs: number): void {
  const look = (): void => {
    const ms = store.ageMs(topic);
    const old = ms === undefined || ms > limitMs || store.get("links")?.[name]?.state !== "live";
    root.classList.toggle("stale", old);
    say(badge, ms === undefined ? "nothing yet" : old ? `${age(ms)} old` : "");
  };
  store.on(topic, look);
  store.on("links", look);
  setInterval(look, 500);
}
