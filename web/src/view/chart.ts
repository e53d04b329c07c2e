/** Candles of one symbol, moved by prices, with the trades on them: entries, exits, and the stop that stands. */

import { createClient } from "@connectrpc/connect";
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineStyle,
  type CreatePriceLineOptions,
  type IPriceLine,
  type SeriesMarker,
  type UTCTimestamp,
} from "lightweight-charts";
import type { Store } from "../feed/store";
import { meshTransport } from "../feed/transport";
import { Side } from "../gen/perpmesh_api/common/v1/trading_pb";
import type { Trade } from "../gen/perpmesh_api/execution/v1/order_service_pb";
import { MarketDataService, type Candle } from "../gen/perpmesh_api/market_data/v1/market_data_service_pb";
import { barTime, INTERVALS, merge, moved, type Bar, type Interval } from "../pure/bars";
import { signed, signOf } from "../pure/money";
import * as words from "../pure/words";
import { mark } from "./dom";

const GOOD = "#35c493";
const BAD = "#f2606e";
const HISTORY = 600;
const BAR_WIDTH = 6.5;
const CATCH_UP = 10;
const CATCH_UP_MS = 5_000;

const at = (bar: { time: number }): UTCTimestamp => bar.time as UTCTimestamp;

function toBar(candle: Candle): Bar {
  const { open, high, low, close, volume } = candle;
  const time = Number(candle.openTimeMs) / 1000;
  return { time, open: Number(open), high: Number(high), low: Number(low), close: Number(close), volume: Number(volume) };
}

const OPTIONS = {
  autoSize: true,
  layout: {
    background: { color: "transparent" },
    textColor: "#8b96a8",
    fontFamily: "Inter, ui-sans-serif, system-ui, sans-serif",
    fontSize: 11,
  },
  grid: { vertLines: { color: "#161c26" }, horzLines: { color: "#161c26" } },
  rightPriceScale: { borderColor: "#1f2733", scaleMargins: { top: 0.08, bottom: 0.2 } },
  timeScale: { borderColor: "#1f2733", timeVisible: true, secondsVisible: false, rightOffset: 6, barSpacing: 6 },
  crosshair: { vertLine: { color: "#4a5568" }, horzLine: { color: "#4a5568" } },
};

export class Chart {
  private readonly market = createClient(MarketDataService, meshTransport());
  private readonly chart;
  private readonly candles;
  private readonly volumes;
  private readonly markers;
  private lines: { key: string; line: IPriceLine }[] = [];
  private bars: Bar[] = [];
  private loading = new AbortController();
  private symbol = "";
  private interval: Interval = "15m";
  private askedAt = 0;

  constructor(
    private readonly box: HTMLElement,
    private readonly store: Store,
    private readonly trouble: (words: string) => void,
  ) {
    this.chart = createChart(box, OPTIONS);
    this.candles = this.chart.addSeries(CandlestickSeries, {
      upColor: GOOD, downColor: BAD, wickUpColor: GOOD, wickDownColor: BAD, borderVisible: false, priceLineColor: "#5d6b80",
    });
    this.volumes = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.markers = createSeriesMarkers(this.candles, []);
    store.on("prices", () => this.onPrice());
    store.on("trades", () => this.drawTrades());
    setInterval(() => this.reachable() && void this.catchUp(), CATCH_UP_MS);
    let reached = this.reachable();
    store.on("links", () => {
      if (!reached && this.reachable()) void this.catchUp();
      reached = this.reachable();
    });
  }

  async show(symbol: string, interval: Interval): Promise<void> {
    [this.symbol, this.interval, this.bars] = [symbol, interval, []];
    mark(this.box, "symbol", symbol);
    mark(this.box, "interval", interval);
    await this.catchUp();
  }

  /** Asks for what is missing: the whole series when there is none, else the newest bars. */
  private async catchUp(): Promise<void> {
    if (!this.symbol) return;
    this.askedAt = Date.now();
    this.loading.abort();
    const { signal } = (this.loading = new AbortController());
    const whole = this.bars.length === 0;
    const request = { symbol: this.symbol, interval: this.interval, includeOpen: true, limit: whole ? HISTORY : CATCH_UP };
    try {
      const { candles } = await this.market.listCandles(request, { signal, timeoutMs: 8_000 });
      if (signal.aborted) return;
      const newer = candles.map(toBar);
      const [first, last] = [newer[0], this.bars.at(-1)];
      if (!whole && first && last && first.time > last.time) return await this.startOver(); // away for longer than these bars
      this.bars = merge(this.bars, newer);
      this.trouble("");
      this.draw(whole);
    } catch (error) {
      if (!signal.aborted && this.reachable()) this.trouble(error instanceof Error ? error.message : String(error));
    }
  }

  /** While the feed itself finds nobody there, asking too would only fill the browser's console. */
  private reachable(): boolean {
    return this.store.get("links")?.prices?.state === "live";
  }

  private async startOver(): Promise<void> {
    this.bars = [];
    await this.catchUp();
  }

  private draw(fit: boolean): void {
    this.candles.setData(this.bars.map((bar) => ({ ...bar, time: at(bar) })));
    this.volumes.setData(this.bars.map(volumeOf));
    const shown = Math.round(this.box.clientWidth / BAR_WIDTH);
    if (fit) this.chart.timeScale().setVisibleLogicalRange({ from: this.bars.length - shown, to: this.bars.length + 6 });
    this.drawTrades();
    this.told();
  }

  private onPrice(): void {
    const tick = this.store.get("prices")?.[this.symbol];
    const last = this.bars.at(-1);
    if (!tick || !last || !signOf(tick.lastPrice)) return;
    const seconds = INTERVALS[this.interval];
    const bar = moved(last, Number(tick.lastPrice), Number(tick.marketTimeMs), seconds);
    if (!bar) return;
    if (bar.time > last.time + CATCH_UP * seconds) return void this.startOver();
    const rolled = bar.time > last.time;
    this.bars = rolled ? [...this.bars, bar] : [...this.bars.slice(0, -1), bar];
    this.candles.update({ ...bar, time: at(bar) });
    this.volumes.update(volumeOf(bar));
    this.told();
    if (rolled && Date.now() - this.askedAt > 400) void this.catchUp();
  }

  private told(): void {
    mark(this.box, "candles", String(this.bars.length));
    mark(this.box, "close", String(this.bars.at(-1)?.close ?? ""));
  }

  private drawTrades(): void {
    const trades = (this.store.get("trades") ?? []).filter(({ symbol }) => symbol === this.symbol);
    const marks = trades.flatMap((trade) => this.marksOf(trade)).sort((a, b) => Number(a.time) - Number(b.time));
    this.markers.setMarkers(marks);
    mark(this.box, "markers", String(marks.length));
    this.drawLines(trades.filter(({ status }) => words.isOpen(status)));
  }

  private marksOf(trade: Trade): SeriesMarker<UTCTimestamp>[] {
    const seconds = INTERVALS[this.interval];
    const long = trade.side !== Side.SELL;
    const marks: SeriesMarker<UTCTimestamp>[] = [];
    const entered = trade.openedAtMs ? barTime(this.bars, Number(trade.openedAtMs), seconds) : undefined;
    const left = trade.closedAtMs ? barTime(this.bars, Number(trade.closedAtMs), seconds) : undefined;
    if (entered !== undefined) {
      marks.push({
        time: entered as UTCTimestamp,
        position: long ? "belowBar" : "aboveBar",
        shape: long ? "arrowUp" : "arrowDown",
        color: long ? "#5ea1ff" : "#c08bff",
        text: long ? "L" : "S",
      });
    }
    if (left !== undefined) {
      const lost = signOf(trade.netPnl) < 0;
      marks.push({
        time: left as UTCTimestamp,
        position: long ? "aboveBar" : "belowBar",
        shape: "circle",
        color: lost ? BAD : GOOD,
        text: signed(trade.netPnl, 1),
      });
    }
    return marks;
  }

  /** Entry, stop and take-profit of what is open. Kept as long as they are the same, so that they do not flicker. */
  private drawLines(open: readonly Trade[]): void {
    const wanted = open.flatMap((trade) => linesOf(trade));
    const keys = new Set(wanted.map(({ key }) => key));
    this.lines = this.lines.filter(({ key, line }) => keys.has(key) || (this.candles.removePriceLine(line), false));
    const drawn = new Set(this.lines.map(({ key }) => key));
    for (const { key, options } of wanted) {
      if (!drawn.has(key)) this.lines.push({ key, line: this.candles.createPriceLine(options) });
    }
    mark(this.box, "lines", this.lines.map(({ key }) => key).join(" "));
  }
}

function volumeOf(bar: Bar): { time: UTCTimestamp; value: number; color: string } {
  return { time: at(bar), value: bar.volume, color: bar.close >= bar.open ? "#35c49333" : "#f2606e33" };
}

function linesOf(trade: Trade): { key: string; options: CreatePriceLineOptions }[] {
  const kinds = [
    { name: "stop", text: trade.stopPrice, color: BAD, style: LineStyle.Dashed },
    { name: "take-profit", text: trade.takeProfitPrice, color: GOOD, style: LineStyle.Dashed },
    { name: "entry", text: trade.entryPrice, color: "#7d8ba3", style: LineStyle.Dotted },
  ];
  return kinds
    .filter(({ text }) => signOf(text) > 0)
    .map(({ name, text, color, style }) => ({
      key: `${name}:${text}`,
      options: { price: Number(text), color, lineStyle: style, lineWidth: 1 as const, axisLabelVisible: true, title: name },
    }));
}
