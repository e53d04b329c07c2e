/** Account and positions: what there is, what today did to it, and how far the limits are. */

import type { Store } from "../feed/store";
import type { EquityPoint, HeldPosition, Summary } from "../gen/perpmesh_api/portfolio_intelligence/v1/portfolio_service_pb";
import type { LossLimits } from "../gen/perpmesh_api/risk_safety/v1/emergency_stop_service_pb";
import { fixed, fullness, percent, price, quantity, ratio, signed, signOf } from "../pure/money";
import { age } from "../pure/time";
import * as words from "../pure/words";
import { h, keyed, mark, panel, say, tone } from "./dom";
import { linkBadge, watchAge } from "./links";

const OLD_MS = 15_000;

export function accountPanel(store: Store): HTMLElement {
  const old = h("span", { class: "badge age", "data-state": "reconnecting" });
  const { root, body } = panel("Account", "account", old, linkBadge(store, "portfolio"));
  const equity = h("output", { class: "equity", "data-testid": "equity", "aria-label": "Equity in USDT" }, "–");
  const unit = h("span", { class: "unit" }, "USDT");
  const spark = sparkline();
  const figures = h("dl", { class: "figures" });
  body.append(h("div", { class: "headline" }, h("div", {}, equity, unit), spark), figures, limits(store));
  store.on("summary", (summary) => {
    say(equity, fixed(summary.equity));
    mark(equity, "value", summary.equity);
    keyed(figures, figuresOf(summary), ({ name }) => name, makeFigure, updateFigure);
  });
  store.on("curve", (points) => drawCurve(spark, points));
  watchAge(store, root, old, "summary", "portfolio", OLD_MS);
  return root;
}

interface Figure {
  name: string;
  text: string;
  sign?: -1 | 0 | 1;
  hint?: string;
}

function figuresOf(summary: Summary): Figure[] {
  const exposure = ratio(summary.grossExposure, summary.equity);
  const wins = summary.trades ? `${Math.round((100 * summary.wins) / summary.trades)}% won` : "none yet";
  return [
    { name: "today", text: signed(summary.realizedPnlToday), sign: signOf(summary.realizedPnlToday), hint: "Realised PnL of the market day after fees and funding" },
    { name: "unrealised", text: signed(summary.unrealizedPnl), sign: signOf(summary.unrealizedPnl) },
    { name: "all time", text: signed(summary.realizedPnlTotal), sign: signOf(summary.realizedPnlTotal), hint: "Realised PnL after fees and funding" },
    { name: "drawdown", text: percent(summary.drawdown), sign: signOf(summary.drawdown) ? -1 : 0 },
    { name: "exposure", text: exposure ? `${exposure}×` : "–", hint: `gross ${fixed(summary.grossExposure)}, net ${signed(summary.netExposure)} USDT` },
    { name: "available", text: fixed(summary.availableBalance) },
    { name: "fees", text: signed(summary.commissionTotal), sign: signOf(summary.commissionTotal) },
    { name: "funding", text: signed(summary.fundingTotal), sign: signOf(summary.fundingTotal) },
    { name: "trades", text: `${summary.trades}`, hint: `${wins}; profit factor ${fixed(summary.profitFactor)}` },
    { name: "won", text: summary.trades ? wins.replace(" won", "") : "–" },
    { name: "profit factor", text: fixed(summary.profitFactor) },
    {
      name: "books",
      text: summary.booksAgree ? "agree" : "DIFFER",
      sign: summary.booksAgree ? 0 : -1,
      hint: `Whether our realised PnL is the exchange's, to the cent; account ${age(summary.ageMs)} old`,
    },
  ];
}

function makeFigure({ name }: Figure): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", { "data-testid": `figure-${name.replaceAll(" ", "-")}` }));
}

function updateFigure(element: HTMLElement, figure: Figure): void {
  const value = element.lastElementChild as HTMLElement;
  say(value, figure.text);
  tone(value, figure.sign ?? 0);
  if (figure.hint) element.title = figure.hint;
}

/** How much of each loss limit is used. */
function limits(store: Store): HTMLElement {
  const box = h("ul", { class: "limits", "aria-label": "Loss limits" });
  store.on("ess", ({ limits: now }) => now && keyed(box, metersOf(now), ({ name }) => name, makeMeter, updateMeter));
  return box;
}

interface Meter {
  name: string;
  used: number;
  text: string;
}

function metersOf(now: LossLimits): Meter[] {
  const loss = (name: string, value: string, limit: string): Meter => ({
    name,
    used: fullness(value, limit),
    text: `${percent(value)} of ${percent(limit, 0)}`,
  });
  return [
    loss("day loss", now.dailyLoss, now.dailyLossLimit),
    loss("week loss", now.weeklyLoss, now.weeklyLossLimit),
    loss("drawdown", now.drawdown, now.drawdownLimit),
    {
      name: "losses in a row",
      used: now.consecutiveLossesLimit ? Math.min(1, now.consecutiveLosses / now.consecutiveLossesLimit) : 0,
      text: `${now.consecutiveLosses} of ${now.consecutiveLossesLimit}`,
    },
  ];
}

function makeMeter({ name }: Meter): HTMLElement {
  return h("li", {}, h("span", {}, name), h("span", { class: "track", "aria-hidden": "true" }, h("i", {})), h("span", { class: "of" }));
}

function updateMeter(element: HTMLElement, { used, text }: Meter): void {
  const fill = element.querySelector("i");
  if (fill) fill.style.transform = `scaleX(${used})`;
  mark(element, "level", used >= 0.8 ? "bad" : used >= 0.5 ? "warn" : "good");
  say(element.lastElementChild as HTMLElement, text);
}

const SVG = "http://www.w3.org/2000/svg";

function sparkline(): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "Equity over market time");
  svg.append(document.createElementNS(SVG, "polyline"));
  return svg;
}

function drawCurve(svg: SVGSVGElement, points: readonly EquityPoint[]): void {
  const values = points.map(({ equity }) => Number(equity)); // a drawing, not an account
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const spread = high - low || 1;
  const step = 100 / Math.max(1, values.length - 1);
  const path = values.map((value, i) => `${(i * step).toFixed(2)},${(28 - (26 * (value - low)) / spread).toFixed(2)}`);
  svg.firstElementChild?.setAttribute("points", values.length > 1 ? path.join(" ") : "");
  mark(svg, "tone", (values.at(-1) ?? 0) < (values[0] ?? 0) ? "bad" : "good");
}

export function positionsPanel(store: Store): HTMLElement {
  const old = h("span", { class: "badge age", "data-state": "reconnecting" });
  const { root, body } = panel("Positions", "positions", old);
  const list = h("ul", { class: "positions" });
  const none = h("p", { class: "empty" }, "flat: no open position");
  body.append(list, none);
  const show = (): void => {
    const positions = store.get("summary")?.positions ?? [];
    none.hidden = positions.length > 0;
    keyed(list, positions, ({ symbol }) => symbol, makePosition, (element, position) => updatePosition(element, position, store));
  };
  store.on("summary", show);
  store.on("trades", show);
  watchAge(store, root, old, "summary", "portfolio", OLD_MS);
  return root;
}

function makePosition(): HTMLElement {
  const parts = ["way", "size", "pnl", "levels"].map((name) => h("span", { class: name }));
  return h("li", { "data-testid": "position" }, ...parts);
}

function updatePosition(element: HTMLElement, position: HeldPosition, store: Store): void {
  const [way, size, pnl, levels] = [...element.children] as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  const short = signOf(position.signedQuantity) < 0;
  const trade = store.get("trades")?.find(({ symbol, status }) => symbol === position.symbol && words.isOpen(status));
  say(way, `${position.symbol} ${short ? "SHORT" : "LONG"}`);
  mark(way, "way", short ? "short" : "long");
  say(size, `${quantity(position.signedQuantity)} · ${percent(position.weight, 1)} of equity`);
  say(pnl, signed(position.unrealizedPnl));
  tone(pnl, signOf(position.unrealizedPnl));
  const stop = trade?.stopPrice ? `stop ${price(trade.stopPrice)}` : "NO STOP";
  const target = trade?.takeProfitPrice ? ` · target ${price(trade.takeProfitPrice)}` : "";
  say(levels, `entry ${price(position.entryPrice)} · mark ${price(position.markPrice)} · ${stop}${target}`);
  mark(levels, "bare", String(!trade?.stopPrice));
}
