/** Decisions, newest first, each with its reasons in view and everything it rests on one press away. */

import type { Store } from "../feed/store";
import { Action, type Decision } from "../gen/perpmesh_api/ai_engine/v1/decision_service_pb";
import { price, quantity } from "../pure/money";
import { short } from "../pure/time";
import * as words from "../pure/words";
import { h, keyed, mark, panel, say } from "./dom";
import { linkBadge } from "./links";

export function decisionsPanel(store: Store): HTMLElement {
  let holds = false;
  const toggle = h(
    "button",
    {
      type: "button",
      class: "toggle",
      "aria-pressed": "false",
      "data-testid": "toggle-holds",
      click: () => {
        holds = !holds;
        toggle.setAttribute("aria-pressed", String(holds));
        show();
      },
    },
    "holds",
  );
  const { root, body } = panel("Decisions", "decisions", toggle, linkBadge(store, "decisions"));
  const list = h("ol", { class: "rows" });
  const none = h("p", { class: "empty" });
  body.append(list, none);
  const show = (): void => {
    const told = store.get("decisions");
    const shown = (holds ? told?.all : told?.acting) ?? [];
    none.hidden = shown.length > 0;
    const only = !holds && told?.all.length ? `; it abstained ${told.all.length}× (press “holds”)` : "";
    say(none, told ? `no decision to trade yet${only}` : "…");
    keyed(list, shown, ({ decisionId }) => decisionId, makeDecision, updateDecision);
  };
  store.on("decisions", show);
  return root;
}

function makeDecision(decision: Decision): HTMLElement {
  const act = h("b", { class: "action" }, words.action(decision.action));
  mark(act, "action", words.action(decision.action).toLowerCase());
  const confidence = `${Math.round(decision.confidence * 100)}%`;
  return h(
    "li",
    { class: "decision", "data-testid": "decision", "data-action": words.action(decision.action) },
    h(
      "details",
      {},
      h(
        "summary",
        {},
        h("time", {}, short(decision.marketTimeMs)),
        h("span", { class: "symbol" }, decision.symbol),
        act,
        h("span", { class: "size" }, decision.quantity ? quantity(decision.quantity) : ""),
        h("span", { class: "confidence", title: "The strategy's confidence" }, confidence),
        h("span", { class: "sent" }),
        h(
          "span",
          { class: "reasons" },
          h("b", {}, decision.strategy.replaceAll("_", " ") + (decision.amplification ? ", amplifying" : "")),
          " " + (decision.reasons.join(" · ") || "no reason given"),
        ),
      ),
      basis(decision),
    ),
  );
}

function updateDecision(element: HTMLElement, decision: Decision): void {
  const sent = element.querySelector<HTMLElement>(".sent");
  if (!sent || decision.action === Action.HOLD) return;
  say(sent, decision.executed ? "sent" : "not sent");
  mark(sent, "sent", String(decision.executed));
}

/** What the decision rests on. */
function basis(decision: Decision): HTMLElement {
  const features = Object.entries(decision.features).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
  const versions = Object.entries(decision.versions).map(([name, value]) => `${name} ${value}`);
  const facts: [string, string][] = [
    ["regime", decision.regime],
    ["made at", price(decision.referencePrice)],
    ["stop", decision.stopPrice && price(decision.stopPrice)],
    ["take-profit", decision.takeProfitPrice && price(decision.takeProfitPrice)],
    ["propensity", decision.propensity.toFixed(3)],
    ["policy revision", String(decision.policyRevision)],
    ["features", features.join(", ")],
    ["feature hash", decision.featureHash],
    ["versions", versions.join(", ")],
    ["decision", decision.decisionId],
  ];
  return h("dl", { class: "basis" }, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
