/** The market panel: which symbol, which interval, what it trades at, and the chart. */

import type { Store } from "../feed/store";
import type { PriceTick } from "../gen/perpmesh_api/market_data/v1/market_data_service_pb";
import { INTERVALS, type Interval } from "../pure/bars";
import { percent, price } from "../pure/money";
import { clock } from "../pure/time";
import { Chart } from "./chart";
import { h, panel, say } from "./dom";
import { linkBadge, watchAge } from "./links";

const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
const OLD_MS = 5_000;

export function marketPanel(store: Store): HTMLElement {
  const box = h("div", { class: "chart", "data-testid": "chart", role: "img", "aria-label": "Candles with trades" });
  const trouble = h("p", { class: "trouble", role: "status" });
  const old = h("span", { class: "badge age", "data-state": "reconnecting" });
  const quote = new Quote();
  let symbol = SYMBOLS[0] ?? "";
  let interval: Interval = "15m";
  const { root, body, head } = panel("Market", "market");
  const chart = new Chart(box, store, (words) => say(trouble, words && `no candles: ${words}`));
  const show = (): void => {
    quote.show(store.get("prices")?.[symbol]);
    void chart.show(symbol, interval);
  };
  head.append(
    choice("Symbol", SYMBOLS, symbol, (value) => ((symbol = value), show())),
    choice("Interval", Object.keys(INTERVALS), interval, (value) => ((interval = value as Interval), show())),
    quote.element,
    old,
    linkBadge(store, "prices"),
  );
  body.append(box, trouble);
  store.on("prices", (prices) => quote.show(prices[symbol]));
  watchAge(store, root, old, "prices", "prices", OLD_MS);
  show();
  return root;
}

/** Buttons of which one is pressed. */
function choice(label: string, values: string[], first: string, chosen: (value: string) => void): HTMLElement {
  const buttons = values.map((value) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(value === first),
        "data-testid": `choose-${value}`,
        click: () => {
          buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === value)));
          chosen(value);
        },
      },
      value,
    ),
  );
  return h("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
}

class Quote {
  private readonly last = h("b", { class: "last", "data-testid": "last-price" }, "–");
  private readonly rest = h("span", { class: "rest" });
  readonly element = h("div", { class: "quote" }, this.last, this.rest);

  show(tick: PriceTick | undefined): void {
    say(this.last, tick ? price(tick.lastPrice) : "–");
    say(this.rest, tick ? restOf(tick) : "");
    this.element.classList.toggle("stale", tick?.stale ?? false);
  }
}

function restOf(tick: PriceTick): string {
  const funding = `funding ${percent(tick.fundingRate, 4)} at ${clock(tick.nextFundingTimeMs).slice(0, 5)}`;
  return `${price(tick.bidPrice)} / ${price(tick.askPrice)} · mark ${price(tick.markPrice)} · ${funding}${tick.stale ? " · STALE" : ""}`;
}
