/** What just happened in the mesh, newest first, and the alerts that are firing. */

import type { Store } from "../feed/store";
import { Severity, type Alert, type WatchEventsResponse } from "../gen/perpmesh_api/monitoring_health/v1/monitoring_service_pb";
import { spell } from "../pure/happenings";
import { age, clock } from "../pure/time";
import { h, keyed, mark, panel, say } from "./dom";
import { linkBadge } from "./links";

export function eventsPanel(store: Store): HTMLElement {
  const { root, body } = panel("Events", "events", linkBadge(store, "events"));
  const list = h("ol", { class: "rows", "data-testid": "event-log" });
  const none = h("p", { class: "empty" }, "nothing has happened yet");
  body.append(list, none);
  store.on("events", (events) => {
    none.hidden = events.length > 0;
    keyed(list, events, ({ eventId }) => eventId, makeEvent);
  });
  return root;
}

function makeEvent(event: WatchEventsResponse): HTMLElement {
  const { tone, text } = spell(event.type, event.json, event.key);
  const details = h(
    "details",
    {},
    h("summary", {}, h("time", {}, clock(event.timeMs)), h("span", { class: "type" }, event.type), h("span", { class: "text", title: text }, text)),
  );
  // Written when it is looked at: two hundred facts in the document would be dead weight.
  details.addEventListener("toggle", () => details.open && details.childElementCount === 1 && details.append(factOf(event)), { once: false });
  return h("li", { class: "event", "data-testid": "event", "data-type": event.type, "data-tone": tone }, details);
}

function factOf(event: WatchEventsResponse): HTMLElement {
  let fact = event.json;
  try {
    fact = JSON.stringify(JSON.parse(event.json), null, 2);
  } catch {
    // Shown as it came.
  }
  return h("pre", { tabindex: 0 }, `${event.stream} #${event.sequence} · trace ${event.traceId || "none"}\n${fact}`);
}

export function alertsBox(store: Store): HTMLElement {
  const list = h("ul", { class: "alerts", role: "status", "aria-label": "Alerts that are firing", "data-testid": "alerts" });
  store.on("alerts", (alerts) =>
    keyed(list, alerts.filter(({ firing }) => firing), ({ alertId }) => alertId, makeAlert, updateAlert),
  );
  return list;
}

function makeAlert(alert: Alert): HTMLElement {
  const item = h("li", { "data-testid": "alert" });
  mark(item, "severity", alert.severity === Severity.CRITICAL ? "critical" : "warning");
  return item;
}

function updateAlert(element: HTMLElement, alert: Alert): void {
  say(element, alert.message || `${alert.rule} ${alert.subject}`);
  element.title = `${alert.alertId}, firing for ${age(Date.now() - Number(alert.raisedAtMs))}`;
}
