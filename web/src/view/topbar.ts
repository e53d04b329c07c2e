/** The bar that never scrolls away: where we trade, whether entries are allowed, both clocks, and the stop. */

import type { Store } from "../feed/store";
import { Environment } from "../gen/perpmesh_api/common/v1/trading_pb";
import { EssState, type EssStatus } from "../gen/perpmesh_api/risk_safety/v1/emergency_stop_service_pb";
import { clock, full } from "../pure/time";
import * as words from "../pure/words";
import { h, mark, say } from "./dom";
import { connectionPill } from "./links";

export function topBar(store: Store, stop: HTMLElement): HTMLElement {
  return h(
    "header",
    { class: "topbar" },
    h("h1", { class: "brand" }, h("i", { "aria-hidden": "true" }), "perpmesh"),
    venue(store),
    latch(store),
    gate(store),
    h("div", { class: "spacer" }),
    clocks(store),
    connectionPill(store),
    stop,
  );
}

function venue(store: Store): HTMLElement {
  const badge = h("span", { class: "venue", "data-testid": "environment", title: "The venue this mesh is bound to" }, "…");
  const show = (value: Environment): void => {
    if (!value) return;
    say(badge, words.environment(value));
    mark(badge, "venue", words.environment(value).toLowerCase());
  };
  store.on("ess", (status) => show(status.environment));
  store.on("summary", (summary) => show(summary.environment));
  return badge;
}

function latchWords(status: EssStatus): string {
  if (status.state === EssState.ARMED && status.paused) return "paused";
  return words.essState(status.state);
}

function latch(store: Store): HTMLElement {
  const state = h("b", { "data-testid": "ess-state" }, "unknown");
  const stage = h("span", { "data-testid": "ess-stage" });
  const pill = h("span", { class: "pill latch", role: "status", title: "The emergency stop system and the stage it allows" }, state, stage);
  mark(pill, "state", "unknown");
  // What was true when the stream broke is not what is true now, and must not look like it.
  const doubt = (): void => mark(pill, "known", String(store.get("links")?.["stop system"]?.state === "live"));
  doubt();
  store.on("links", doubt);
  store.on("ess", (status) => {
    const shown = latchWords(status);
    mark(pill, "state", shown);
    mark(state, "state", shown);
    say(state, shown.toUpperCase());
    say(stage, `stage ${words.stage(status.stage)}`);
  });
  return pill;
}

/** Why an entry would not pass now, in the gate's own words. */
function gate(store: Store): HTMLElement {
  const line = h("span", { class: "gate", "data-testid": "gate", role: "status" });
  store.on("gate", (answer) => {
    mark(line, "open", String(answer.canEnter));
    say(line, answer.canEnter ? "entries pass" : `no entries: ${answer.blockers.join(" · ")}`);
    line.title = line.textContent;
  });
  store.on("links", (links) => mark(line, "known", String(links.gate?.state === "live")));
  return line;
}

function clocks(store: Store): HTMLElement {
  const market = h("time", { "data-testid": "market-time" }, "–");
  const wall = h("time", {}, "–");
  store.on("prices", (prices) => {
    const newest = Object.values(prices).reduce((most, { marketTimeMs }) => (marketTimeMs > most ? marketTimeMs : most), 0n);
    if (newest) say(market, full(newest));
  });
  const tick = (): void => say(wall, clock(Date.now()));
  tick();
  setInterval(tick, 1_000);
  return h("div", { class: "clocks" }, h("span", {}, "market", market), h("span", {}, "wall", wall));
}
