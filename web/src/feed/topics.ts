/** What the page knows of the mesh: one newest value per topic, each a plain object that can cross to a worker. */

import type { Decision } from "../gen/perpmesh_api/ai_engine/v1/decision_service_pb";
import type { GetTradabilityResponse, Trade } from "../gen/perpmesh_api/execution/v1/order_service_pb";
import type { PriceTick } from "../gen/perpmesh_api/market_data/v1/market_data_service_pb";
import type {
  Alert,
  GetHealthAllResponse,
  WatchEventsResponse,
} from "../gen/perpmesh_api/monitoring_health/v1/monitoring_service_pb";
import type { EquityPoint, Summary } from "../gen/perpmesh_api/portfolio_intelligence/v1/portfolio_service_pb";
import type { EssStatus } from "../gen/perpmesh_api/risk_safety/v1/emergency_stop_service_pb";

/** How one stream or question to the mesh is doing. */
export interface Link {
  readonly state: "connecting" | "live" | "reconnecting";
  readonly attempt: number;
  readonly error: string;
  /** When it entered this state, wall clock. */
  readonly since: number;
}

/** What keeps the page live: five streams, and questions asked again when an event says so. */
export const STREAMS = ["stop system", "portfolio", "prices", "events", "health"] as const;
export const QUESTIONS = ["trades", "decisions", "alerts", "equity curve", "gate"] as const;
export type LinkName = (typeof STREAMS)[number] | (typeof QUESTIONS)[number];

export interface Topics {
  links: Readonly<Partial<Record<LinkName, Link>>>;
  ess: EssStatus;
  summary: Summary;
  prices: Readonly<Record<string, PriceTick>>;
  events: readonly WatchEventsResponse[];
  health: GetHealthAllResponse;
  trades: readonly Trade[];
  decisions: { readonly acting: readonly Decision[]; readonly all: readonly Decision[] };
  alerts: readonly Alert[];
  curve: readonly EquityPoint[];
  gate: GetTradabilityResponse;
}
export type Topic = keyof Topics;

/** Where the feed puts what it learns. */
export interface Sink {
  put<T extends Topic>(topic: T, value: Topics[T]): void;
}
