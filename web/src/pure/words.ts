/** The contracts' enums in the words of the screen. */

import { Action } from "../gen/perpmesh_api/ai_engine/v1/decision_service_pb";
import { Environment, Side, Stage } from "../gen/perpmesh_api/common/v1/trading_pb";
import { TradeStatus } from "../gen/perpmesh_api/execution/v1/order_service_pb";
import { HealthStatus } from "../gen/perpmesh_api/monitoring_health/v1/monitoring_service_pb";
import { EssState, TripTrigger } from "../gen/perpmesh_api/risk_safety/v1/emergency_stop_service_pb";

const lower = (name: string | undefined): string => (name ?? "unknown").replaceAll("_", " ").toLowerCase();

export const environment = (value: Environment): string => (value ? Environment[value] : "UNKNOWN VENUE");
export const stage = (value: Stage): string => ({ [Stage.QUARTER]: "25%", [Stage.HALF]: "50%" })[value as number] ?? lower(Stage[value]);
export const action = (value: Action): string => Action[value] ?? "?";
export const way = (side: Side): string => (side === Side.SELL ? "SHORT" : "LONG");
export const essState = (value: EssState): string => lower(EssState[value]);
export const trigger = (value: TripTrigger): string => lower(TripTrigger[value]);
export const health = (value: HealthStatus): string => (value ? lower(HealthStatus[value]) : "unknown");
export const tradeStatus = (value: TradeStatus): string => lower(TradeStatus[value]);
export const isOpen = (value: TradeStatus): boolean =>
  [TradeStatus.OPENING, TradeStatus.OPEN, TradeStatus.PROTECTED, TradeStatus.CLOSING].includes(value);
