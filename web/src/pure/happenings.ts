/** A domain event in one line of words. The event itself, as JSON, stays one click away. */

import { price, quantity, signed, signOf } from "./money";

export type Tone = "good" | "bad" | "warn" | "plain";
export interface Happening {
  readonly tone: Tone;
  readonly text: string;
}

/** What the log shows: everything but prices, candles and conditions, which the chart shows better. */
export const LOGGED_TYPES = [
  "ai.decision.made",
  "order.placed",
  "order.filled",
  "order.canceled",
  "order.rejected",
  "order.refused",
  "trade.opened",
  "trade.closed",
  "ess.tripped",
  "ess.reset",
  "policy.updated",
  "policy.adopted",
  "portfolio.rebalance.proposed",
  "training.job.finished",
  "model.promoted",
  "model.rolled_back",
  "health.alert.raised",
  "health.alert.resolved",
  "event.dead_lettered",
];

type Fact = Record<string, unknown>;

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A field by its proto name, whichever of JSON's two spellings was used. */
function field(fact: Fact, name: string): unknown {
  return fact[name] ?? fact[camel(name)];
}

function part(fact: Fact, name: string): Fact {
  const value = field(fact, name);
  return typeof value === "object" && value !== null ? (value as Fact) : {};
}

function text(fact: Fact, name: string): string {
  const value = field(fact, name);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** The last word of an enum's value: "ORDER_LEG_TAKE_PROFIT" is "take profit" after "ORDER_LEG_". */
const word = (value: string, prefix: string): string => value.replace(prefix, "").replaceAll("_", " ").toLowerCase();
const join = (...words: string[]): string => words.filter(Boolean).join(" ");

function order(fact: Fact, verb: string, tone: Tone): Happening {
  const it = part(fact, "order");
  const [amount, trigger] = [text(it, "quantity"), text(it, "trigger_price")];
  const paid = text(it, "average_price");
  const at = verb === "filled" && signOf(paid) ? `at ${price(paid)}` : signOf(trigger) ? `at ${price(trigger)}` : "";
  const why = tone === "bad" || tone === "warn" ? text(it, "reason") : "";
  return {
    tone,
    text: join(
      text(it, "symbol"),
      word(text(it, "leg"), "ORDER_LEG_"),
      word(text(it, "side"), "SIDE_"),
      amount && quantity(amount),
      at,
      verb + (why ? `: ${why}` : ""),
    ),
  };
}

function tradeOpened(fact: Fact): Happening {
  const it = part(fact, "trade");
  const way = text(it, "side") === "SIDE_SELL" ? "short" : "long";
  return {
    tone: "plain",
    text: join(text(it, "symbol"), way, quantity(text(it, "quantity")), "opened at", price(text(it, "entry_price"))),
  };
}

function tradeClosed(fact: Fact): Happening {
  const it = part(fact, "trade");
  const net = text(it, "net_pnl");
  const how = word(text(it, "close_reason"), "");
  return {
    tone: signOf(net) < 0 ? "bad" : "good",
    text: join(text(it, "symbol"), "closed by", how || "exit", "for", signed(net), "USDT"),
  };
}

function decision(fact: Fact): Happening {
  const it = part(fact, "decision");
  const reasons = field(it, "reasons");
  const first = Array.isArray(reasons) && typeof reasons[0] === "string" ? reasons[0] : "";
  const action = word(text(it, "action"), "ACTION_");
  const amount = text(it, "quantity");
  return {
    tone: "plain",
    text: join(text(it, "symbol"), action, amount && quantity(amount), first && `because ${first}`),
  };
}

function tripped(fact: Fact): Happening {
  const it = part(fact, "trip");
  return { tone: "bad", text: join(word(text(it, "trigger"), "TRIP_TRIGGER_"), "by", text(it, "actor") + ":", text(it, "reason")) };
}

function alert(fact: Fact, tone: Tone): Happening {
  const it = part(fact, "alert");
  return { tone, text: text(it, "message") || join(text(it, "rule"), text(it, "subject")) };
}

function policy(fact: Fact): Happening {
  const shown = (value: unknown): string => (value === undefined ? "" : JSON.stringify(value));
  const [from, to] = [shown(field(fact, "old_value")), shown(field(fact, "new_value"))];
  const changes = field(fact, "changes");
  const more = Array.isArray(changes) && changes.length > 1 ? `and ${changes.length - 1} more` : "";
  const why = join(text(fact, "source"), "by", text(fact, "actor"));
  return { tone: "warn", text: join(text(fact, "policy_key"), from && `${from} →`, to, more, why) };
}

const SPELLED: Record<string, (fact: Fact) => Happening> = {
  "ai.decision.made": decision,
  "order.placed": (fact) => order(fact, "placed", "plain"),
  "order.filled": (fact) => order(fact, "filled", "plain"),
  "order.canceled": (fact) => order(fact, "canceled", "plain"),
  "order.rejected": (fact) => order(fact, "rejected", "bad"),
  "order.refused": (fact) => order(fact, "refused", "warn"),
  "trade.opened": tradeOpened,
  "trade.closed": tradeClosed,
  "ess.tripped": tripped,
  "ess.reset": (fact) => ({
    tone: "good",
    text: join("reset to", word(text(fact, "stage"), "STAGE_"), "by", text(fact, "operator"), "and", text(fact, "approver")),
  }),
  "policy.updated": policy,
  "policy.adopted": (fact) => ({
    tone: "plain",
    text: join(text(fact, "service"), "runs policy revision", text(fact, "revision")),
  }),
  "health.alert.raised": (fact) => alert(fact, "warn"),
  "health.alert.resolved": (fact) => {
    const { tone, text: words } = alert(fact, "good");
    return { tone, text: `over: ${words}` };
  },
};

export function spell(type: string, json: string, key: string): Happening {
  try {
    const fact: unknown = JSON.parse(json);
    const happening = SPELLED[type]?.(fact as Fact);
    if (happening && happening.text.trim()) return happening;
  } catch {
    // Not JSON: its key says what it is about, and the raw text is one click away.
  }
  return { tone: type.includes("dead") || type.includes("reject") ? "bad" : "plain", text: key };
}
