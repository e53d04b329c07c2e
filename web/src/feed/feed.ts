/**
 * Everything the page shows of the mesh, kept fresh over one small set of connections.
 *
 * A browser opens at most six connections to one address over plain HTTP, for all its tabs together. Five carry streams,
 * the sixth carries questions; so what has a list beside its stream (trades, decisions, alerts) is asked for when an event
 * of the stream says it changed, and every few seconds in case the broker is down.
 */

import { createClient, type Transport } from "@connectrpc/connect";
import { DecisionService } from "../gen/perpmesh_api/ai_engine/v1/decision_service_pb";
import { OrderService } from "../gen/perpmesh_api/execution/v1/order_service_pb";
import { MarketDataService, type PriceTick } from "../gen/perpmesh_api/market_data/v1/market_data_service_pb";
import { MonitoringService, type WatchEventsResponse } from "../gen/perpmesh_api/monitoring_health/v1/monitoring_service_pb";
import { PortfolioService } from "../gen/perpmesh_api/portfolio_intelligence/v1/portfolio_service_pb";
import { EmergencyStopService } from "../gen/perpmesh_api/risk_safety/v1/emergency_stop_service_pb";
import { LOGGED_TYPES } from "../pure/happenings";
import { keepAsking, keepWatching } from "./keep";
import type { Link, LinkName, Sink } from "./topics";

const EVENTS_KEPT = 200;
const ASK = { timeoutMs: 4_000 };
/** Prices reach the screen ten times a second at most: more is only heat. */
const PRICE_EVERY_MS = 100;
const PRICE_SILENCE_MS = 20_000;

export interface Feed {
  /** Frees the connections of everything but the stop system for so long, so that a stop never waits in the browser's queue. */
  makeWay(ms: number): void;
}

export function startFeed(transport: Transport, sink: Sink): Feed {
  const links: Partial<Record<LinkName, Link>> = {};
  const report = (name: LinkName) => (link: Link): void => {
    links[name] = link;
    sink.put("links", { ...links });
  };
  const ask = questions(transport, sink, report);
  const cuts = streams(transport, sink, report, ask);
  return { makeWay: (ms) => cuts.forEach((cut) => cut(ms)) };
}

type Report = (name: LinkName) => (link: Link) => void;
type Asks = Record<"trades" | "decisions" | "alerts" | "gate", () => void>;

function questions(transport: Transport, sink: Sink, report: Report): Asks {
  const orders = createClient(OrderService, transport);
  const decisions = createClient(DecisionService, transport);
  const monitoring = createClient(MonitoringService, transport);
  const portfolio = createClient(PortfolioService, transport);
  const keep = (name: LinkName, everyMs: number, question: () => Promise<void>): (() => void) =>
    keepAsking({ ask: question, everyMs, report: report(name) });

  keep("equity curve", 5_000, async () => sink.put("curve", (await portfolio.getEquityCurve({ limit: 300 }, ASK)).points));
  return {
    trades: keep("trades", 3_000, async () => sink.put("trades", (await orders.listTrades({ limit: 100 }, ASK)).trades)),
    decisions: keep("decisions", 5_000, async () => {
      const [acting, all] = await Promise.all([
        decisions.listDecisions({ limit: 40 }, ASK),
        decisions.listDecisions({ limit: 40, includeHolds: true }, ASK),
      ]);
      sink.put("decisions", { acting: acting.decisions, all: all.decisions });
    }),
    alerts: keep("alerts", 5_000, async () =>
      sink.put("alerts", (await monitoring.listAlerts({ includeResolved: true, limit: 20 }, ASK)).alerts),
    ),
    gate: keep("gate", 2_000, async () => sink.put("gate", await orders.getTradability({}, ASK))),
  };
}

function streams(transport: Transport, sink: Sink, report: Report, asks: Asks): ((ms: number) => void)[] {
  const stop = createClient(EmergencyStopService, transport);
  const portfolio = createClient(PortfolioService, transport);
  const market = createClient(MarketDataService, transport);
  const monitoring = createClient(MonitoringService, transport);

  keepWatching({
    open: (signal, onHeader) => stop.watchStatus({}, { signal, onHeader }),
    take: ({ status }) => (status ? (sink.put("ess", status), asks.gate()) : undefined),
    report: report("stop system"),
  });
  return [
    keepWatching({
      open: (signal, onHeader) => portfolio.watchSummary({}, { signal, onHeader }),
      take: ({ summary }) => summary && sink.put("summary", summary),
      report: report("portfolio"),
    }),
    keepWatching({
      open: (signal, onHeader) => market.watchPrices({}, { signal, onHeader }),
      take: pricesInto(sink),
      report: report("prices"),
      silenceMs: PRICE_SILENCE_MS,
    }),
    keepWatching({
      open: (signal, onHeader) => monitoring.watchEvents({ types: LOGGED_TYPES, history: 100 }, { signal, onHeader }),
      take: eventsInto(sink, asks),
      report: report("events"),
    }),
    keepWatching({
      open: (signal, onHeader) => monitoring.watchHealth({}, { signal, onHeader }),
      take: ({ health }) => (health ? (sink.put("health", health), asks.alerts()) : undefined),
      report: report("health"),
    }),
  ];
}

function pricesInto(sink: Sink): (message: { price?: PriceTick | undefined }) => void {
  const prices: Record<string, PriceTick> = {};
  let due = false;
  const flush = (): void => {
    due = false;
    sink.put("prices", { ...prices });
  };
  return ({ price }) => {
    if (!price) return;
    prices[price.symbol] = price;
    if (!due) setTimeout(flush, PRICE_EVERY_MS);
    due = true;
  };
}

function eventsInto(sink: Sink, asks: Asks): (event: WatchEventsResponse) => void {
  let events: WatchEventsResponse[] = [];
  let due = false;
  const flush = (): void => {
    due = false;
    sink.put("events", events);
  };
  return (event) => {
    if (events.some(({ eventId }) => eventId === event.eventId)) return; // told again after a reconnect
    events = [event, ...events].slice(0, EVENTS_KEPT);
    if (!due) setTimeout(flush, PRICE_EVERY_MS);
    due = true;
    if (/^(trade|order)\./.test(event.type)) asks.trades();
    if (/^(trade|ai)\./.test(event.type)) asks.decisions();
    if (event.type.startsWith("health.alert")) asks.alerts();
  };
}
