/** The pure rooms of the page: figures, bars, waiting, and events in words. */

import { describe, expect, test } from "vitest";
import { waitBefore } from "../src/pure/backoff";
import { barTime, merge, moved, type Bar } from "../src/pure/bars";
import { spell } from "../src/pure/happenings";
import { fixed, fullness, percent, price, quantity, ratio, signed, signOf } from "../src/pure/money";
import { age, clock, full } from "../src/pure/time";

describe("money", () => {
  test("is exact where a float is not", () => {
    expect(fixed("90071992547409931.005")).toBe("90,071,992,547,409,931.01");
    expect(fixed("0.1", 20)).toBe("0.10000000000000000000");
  });
  test("rounds half away from zero, on both sides", () => {
    expect([fixed("1.005"), fixed("-1.005"), fixed("-0.004"), fixed("0.995")]).toEqual(["1.01", "−1.01", "0.00", "1.00"]);
  });
  test("shows a gain as a gain, and nothing for nothing", () => {
    expect([signed("3.2"), signed("-3.2"), signed("0.001"), fixed(""), percent("x")]).toEqual(["+3.20", "−3.20", "0.00", "–", "–"]);
  });
  test("turns fractions into per cent", () => {
    expect([percent("0.0312"), percent("-0.5", 0), percent("0.0001", 4)]).toEqual(["3.12%", "−50%", "0.0100%"]);
  });
  test("gives each price the places that matter", () => {
    expect([price("67250.123"), price("3480.1"), price("0.123456")]).toEqual(["67,250.1", "3,480.10", "0.12346"]);
  });
  test("says a quantity without sign and without zeros", () => {
    expect([quantity("-0.01200"), quantity("100"), quantity("2.0"), quantity("1500.5")]).toEqual(["0.012", "100", "2", "1,500.5"]);
  });
  test("divides without floats, and not by nothing", () => {
    expect([ratio("1", "3"), ratio("-2", "3", 3), ratio("5", "0"), ratio("0.005", "10", 4)]).toEqual(["0.33", "-0.667", "", "0.0005"]);
    expect([fullness("0.0341", "0.06"), fullness("9", "3"), fullness("-1", "3")]).toEqual([0.5683, 1, 0]);
  });
  test("knows its sign", () => {
    expect([signOf("-0.00"), signOf("-0.01"), signOf("7"), signOf("")]).toEqual([0, -1, 1, 0]);
  });
});

const bar = (time: number, close = 10): Bar => ({ time, open: 10, high: 11, low: 9, close, volume: 1 });

describe("bars", () => {
  test("are in order, and the newer telling of a bar wins", () => {
    expect(merge([bar(60), bar(120)], [bar(180), bar(120, 12)]).map(({ time, close }) => [time, close])).toEqual([[60, 10], [120, 12], [180, 10]]);
  });
  test("are stretched by a price inside them", () => {
    expect(moved(bar(120), 13, 150_000, 60)).toEqual({ ...bar(120, 13), high: 13 });
  });
  test("begin with the first price of their time", () => {
    expect(moved(bar(120), 13, 185_000, 60)).toMatchObject({ time: 180, open: 13, low: 13, close: 13 });
  });
  test("are not moved by a price from before", () => {
    expect(moved(bar(120), 13, 119_999, 60)).toBeUndefined();
  });
  test("hold the moments that fall into them, and no others", () => {
    const series = [bar(0), bar(900), bar(1800)];
    expect([barTime(series, 1_000_000, 900), barTime(series, -1, 900), barTime(series, 2_700_000, 900)]).toEqual([900, undefined, undefined]);
  });
});

test("waiting grows, and never beyond five seconds", () => {
  expect([waitBefore(0, 1), waitBefore(2, 1), waitBefore(50, 1)]).toEqual([250, 1000, 5000]);
  expect(waitBefore(50, 0)).toBe(2500);
});

test("times are told in UTC and ages in words", () => {
  expect([clock(0n), full(86_400_000), age(500), age(7_000), age(200_000)]).toEqual(["00:00:00", "1970-01-02 00:00:00", "now", "7 s", "3 min"]);
});

describe("an event in words", () => {
  const closed = { trade: { symbol: "BTCUSDT", netPnl: "-3.456", closeReason: "TAKE_PROFIT" } };
  test("reads both spellings of JSON", () => {
    const told = { tone: "bad", text: "BTCUSDT closed by take profit for −3.46 USDT" };
    expect(spell("trade.closed", JSON.stringify(closed), "")).toEqual(told);
    const snake = { trade: { symbol: "BTCUSDT", net_pnl: "-3.456", close_reason: "TAKE_PROFIT" } };
    expect(spell("trade.closed", JSON.stringify(snake), "")).toEqual(told);
  });
  test("says why an order was refused", () => {
    const refused = { order: { symbol: "ETHUSDT", leg: "ORDER_LEG_ENTRY", side: "SIDE_BUY", quantity: "0.220", reason: "no lease" } };
    expect(spell("order.refused", JSON.stringify(refused), "").text).toBe("ETHUSDT entry buy 0.22 refused: no lease");
  });
  test("falls back to its key when it is new to the page, or broken", () => {
    expect(spell("moon.landed", "{}", "eagle").text).toBe("eagle");
    expect(spell("trade.closed", "{", "BTCUSDT").text).toBe("BTCUSDT");
  });
});
