/** The series under the chart: closed bars as the exchange told them, and the open one moved by prices. */

export interface Bar {
  /** Start in seconds, market time. */
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

export const INTERVALS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600 } as const;
export type Interval = keyof typeof INTERVALS;

const KEPT = 3000;

/** Both series in order; where they overlap the newer telling wins. */
export function merge(series: readonly Bar[], newer: readonly Bar[]): Bar[] {
  const byTime = new Map(series.map((bar) => [bar.time, bar]));
  for (const bar of newer) byTime.set(bar.time, bar);
  return [...byTime.values()].sort((a, b) => a.time - b.time).slice(-KEPT);
}

/** What the open bar becomes when this price trades; undefined when the price is older than the series. */
export function moved(last: Bar | undefined, price: number, marketMs: number, seconds: number): Bar | undefined {
  const time = Math.floor(marketMs / 1000 / seconds) * seconds;
  if (!last || time > last.time) return { time, open: price, high: price, low: price, close: price, volume: 0 };
  if (time < last.time) return undefined;
  return { ...last, high: Math.max(last.high, price), low: Math.min(last.low, price), close: price };
}

/** The bar a moment falls into, if the series reaches so far back. */
export function barTime(series: readonly Bar[], ms: number, seconds: number): number | undefined {
  const time = Math.floor(ms / 1000 / seconds) * seconds;
  const [first, last] = [series[0], series.at(-1)];
  return first && last && time >= first.time && time <= last.time ? time : undefined;
}
