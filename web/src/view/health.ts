/** One dot for each process, the broker, the gateway and the exchange; the figures on hover or focus. */

import type { Store } from "../feed/store";
import type { ComponentHealth } from "../gen/perpmesh_api/monitoring_health/v1/monitoring_service_pb";
import { age } from "../pure/time";
import * as words from "../pure/words";
import { h, keyed, mark, say } from "./dom";
import { linkBadge } from "./links";

export function healthRow(store: Store): HTMLElement {
  const dots = h("ul", { class: "dots" });
  const row = h("div", { class: "health", role: "group", "aria-label": "Health of each process", "data-testid": "health" }, dots, linkBadge(store, "health"));
  store.on("health", ({ components }) => keyed(dots, components, ({ name }) => name, dot, update));
  store.on("links", (links) => row.classList.toggle("stale", links.health?.state !== "live"));
  return row;
}

function dot(component: ComponentHealth): HTMLElement {
  const id = `health-${component.name}`;
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "component", "data-testid": "health-dot", "data-name": component.name, "aria-describedby": id },
      h("i", { class: "dot", "aria-hidden": "true" }),
      h("span", { class: "name" }, component.name.replaceAll("_", " ")),
      h("span", { class: "pop", role: "tooltip", id }),
    ),
  );
}

function update(element: HTMLElement, component: ComponentHealth): void {
  const button = element.firstElementChild as HTMLElement;
  const status = words.health(component.status);
  mark(button, "status", status);
  button.setAttribute("aria-label", `${component.name}: ${status}`);
  const since = component.sinceMs ? ` for ${age(Date.now() - Number(component.sinceMs))}` : "";
  const lines = [`${component.name}: ${status}${since}`, `answered in ${component.latencyMs.toFixed(1)} ms`, component.detail];
  const pop = button.querySelector(".pop");
  if (pop) say(pop, lines.filter(Boolean).join("\n"));
}
