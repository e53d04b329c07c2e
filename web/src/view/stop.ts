/** The stop button, and the banner that says what holds. Two presses; the second must follow within four seconds. */

import { ConnectError, createClient } from "@connectrpc/connect";
import type { Feed } from "../feed/feed";
import type { Store } from "../feed/store";
import { meshTransport } from "../feed/transport";
import {
  EmergencyStopService,
  EssState,
  type EssStatus,
  type TripRecord,
  type TripResponse,
} from "../gen/perpmesh_api/risk_safety/v1/emergency_stop_service_pb";
import { clock, full } from "../pure/time";
import * as words from "../pure/words";
import { h, mark, say } from "./dom";

const SURE_MS = 4_000;
const PATIENCE_MS = 20_000;
const HOLDS = "HOLDS: no entry can reach the exchange";
const LIFT = "to lift it: perpmesh ess reset, with the tokens of two people";

type Phase = "ready" | "sure" | "stopping" | "failed";

export interface Stop {
  button: HTMLElement;
  banner: HTMLElement;
}

export function stopButton(store: Store, feed: Feed): Stop {
  const label = h("span", { class: "label" }, "STOP");
  const button = h(
    "button",
    { class: "stop", type: "button", "data-testid": "stop-button", title: "Emergency stop: press twice", click: () => press() },
    label,
    h("i", { class: "fuse", "aria-hidden": "true" }),
  );
  const banner = h("section", { class: "banner", role: "alert", "data-testid": "stop-banner", hidden: true });
  const client = createClient(EmergencyStopService, meshTransport({ priority: "high" }));
  let phase: Phase = "ready";
  let answer: TripResponse | undefined;
  let requestId = newRequestId();
  let doubt = setTimeout(() => {}, 0);

  const enter = (next: Phase): void => {
    phase = next;
    clearTimeout(doubt);
    if (phase === "sure") doubt = setTimeout(() => enter("ready"), SURE_MS);
    show();
  };
  const show = (): void => {
    const tripped = store.get("ess")?.state === EssState.TRIPPED || answer !== undefined;
    mark(button, "phase", tripped ? "holds" : phase);
    button.disabled = tripped || phase === "stopping";
    say(label, tripped ? "STOPPED" : { ready: "STOP", sure: "PRESS AGAIN", stopping: "STOPPING…", failed: "STOP AGAIN" }[phase]);
  };
  const press = (): void => {
    if (phase === "sure" || phase === "failed") void trip();
    else if (phase === "ready") enter("sure");
  };
  const trip = async (): Promise<void> => {
    enter("stopping");
    fill(banner, "stopping", "Stopping…", ["waiting until every holder of an entry lease has let go"]);
    feed.makeWay(1_000);
    try {
      answer = await client.trip({ requestId, reason: "stop button on the page" }, { timeoutMs: PATIENCE_MS });
      requestId = newRequestId();
      showAnswer(banner, answer);
      enter("ready");
    } catch (error) {
      // The same request id goes out again: a stop that did arrive is then answered with what it did.
      fill(banner, "failed", "The stop was not confirmed. Press again, or run: perpmesh ess trip", [ConnectError.from(error).message]);
      enter("failed");
    }
  };
  store.on("ess", (status) => {
    if (answer?.trip && status.epoch > answer.trip.epoch) answer = undefined; // lifted, or tripped anew
    if (answer && status.state !== EssState.TRIPPED) return; // told before the trip
    if (phase !== "stopping") showStatus(banner, status, answer, phase === "failed");
    show();
  });
  return { button, banner };
}

/** Not `crypto.randomUUID`: a page served by a bare address has none. */
function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return "page-" + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fill(banner: HTMLElement, state: string, title: string, lines: string[]): void {
  const told = [state, title, ...lines].join("\n");
  if (banner.dataset["told"] === told) return;
  mark(banner, "told", told);
  mark(banner, "state", state);
  banner.hidden = false;
  banner.replaceChildren(h("strong", {}, title), ...lines.map((line) => h("span", {}, line)));
}

function showAnswer(banner: HTMLElement, answer: TripResponse): void {
  fill(banner, "holds", HOLDS, [...recordLines(answer.trip), ...answerLines(answer), LIFT]);
}

function showStatus(banner: HTMLElement, status: EssStatus, answer: TripResponse | undefined, failed: boolean): void {
  if (status.state === EssState.TRIPPED) {
    const own = answer && answer.trip?.tripId === status.trip?.tripId ? answerLines(answer) : [];
    fill(banner, "holds", HOLDS, [...recordLines(status.trip), ...own, LIFT]);
  } else if (status.state === EssState.TRIPPING) {
    fill(banner, "stopping", "Stopping…", recordLines(status.trip));
  } else if (!failed) {
    banner.hidden = true;
    mark(banner, "told", "");
  }
}

function recordLines(trip: TripRecord | undefined): string[] {
  if (!trip) return [];
  const market = trip.marketTimeMs ? ` (market ${full(trip.marketTimeMs)})` : "";
  const evidence = Object.entries(trip.evidence).map(([name, value]) => `${name} ${value}`);
  return [
    `${words.trigger(trip.trigger)} by ${trip.actor || "unknown"} at ${clock(trip.trippedAtMs)}${market}${trip.reason ? `: ${trip.reason}` : ""}`,
    ...(evidence.length ? [evidence.join(", ")] : []),
  ];
}

function answerLines(answer: TripResponse): string[] {
  const bare = answer.openPositions.filter((symbol) => !answer.protectedPositions.includes(symbol));
  return [
    `entry leases: ${answer.releasedBy || "none"}`,
    `entries canceled: ${answer.canceledOrders.join(", ") || "none"}`,
    `positions kept: ${answer.openPositions.join(", ") || "none"}`,
    `with a stop: ${answer.protectedPositions.join(", ") || "none"}`,
    ...(bare.length ? [`WITHOUT a stop: ${bare.join(", ")}`] : []),
    ...(answer.alreadyTripped ? ["it was stopped already"] : []),
  ];
}
