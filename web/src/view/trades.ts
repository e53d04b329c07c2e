/** Trades, flat to flat, newest first: what was risked and what came of it. */

import type { Store } from "../feed/store";
import type { Trade } from "../gen/perpmesh_api/execution/v1/order_service_pb";
import { Side } from "../gen/perpmesh_api/common/v1/trading_pb";
import { NOTHING, price, quantity, ratio, signed, signOf } from "../pure/money";
import { short } from "../pure/time";
import * as words from "../pure/words";
import { h, keyed, mark, panel, say, tone } from "./dom";
import { linkBadge } from "./links";

const COLUMNS = ["opened", "symbol", "size", "entry", "exit", "net", "R", "how", "strategy"];
const NUMERIC = new Set(["size", "entry", "exit", "net", "R"]);

export function tradesPanel(store: Store): HTMLElement {
  const { root, body } = panel("Trades", "trades", linkBadge(store, "trades"));
  const rows = h("tbody", {});
  const head = h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col", class: NUMERIC.has(name) ? "number" : "" }, name)));
  const none = h("p", { class: "empty" }, "no trade yet");
  body.append(h("table", {}, h("thead", {}, head), rows), none);
  store.on("trades", (trades) => {
    none.hidden = trades.length > 0;
    keyed(rows, trades, ({ tradeId }) => tradeId, makeRow, updateRow);
  });
  return root;
}

function makeRow(trade: Trade): HTMLElement {
  const cells = COLUMNS.map((name) => h("td", { class: NUMERIC.has(name) ? "number" : "" }));
  return h("tr", { "data-testid": "trade", title: `trade ${trade.tradeId}\ntrace ${trade.traceId}` }, ...cells);
}

function how(trade: Trade, open: boolean): string {
  const status = words.tradeStatus(trade.status);
  if (open) return trade.stopPrice ? `stop ${price(trade.stopPrice)}` : status;
  return (trade.closeReason || status).replaceAll("_", " ").toLowerCase();
}

function updateRow(row: HTMLElement, trade: Trade): void {
  const open = words.isOpen(trade.status);
  const r = open ? "" : ratio(trade.netPnl, trade.initialRisk);
  const texts = [
    trade.openedAtMs ? short(trade.openedAtMs) : NOTHING,
    `${trade.side === Side.SELL ? "▼" : "▲"} ${trade.symbol}`,
    quantity(trade.quantity),
    price(trade.entryPrice),
    open ? NOTHING : price(trade.exitPrice),
    open ? NOTHING : signed(trade.netPnl),
    r ? signed(r) : NOTHING,
    how(trade, open),
    trade.strategy.replaceAll("_", " ") || "by request",
  ];
  texts.forEach((text, i) => say(row.children[i] as HTMLElement, text));
  mark(row, "open", String(open));
  const symbol = row.children[1] as HTMLElement;
  symbol.title = words.way(trade.side);
  mark(symbol, "way", words.way(trade.side).toLowerCase());
  for (const column of [5, 6]) tone(row.children[column] as HTMLElement, open ? 0 : signOf(trade.netPnl));
}
