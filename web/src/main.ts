/** Puts the screen together: only nouns. */

import "./style.css";
import { joinFeed, Store } from "./feed/store";
import { accountPanel, positionsPanel } from "./view/account";
import { decisionsPanel } from "./view/decisions";
import { h } from "./view/dom";
import { alertsBox, eventsPanel } from "./view/events";
import { healthRow } from "./view/health";
import { marketPanel } from "./view/market";
import { stopButton } from "./view/stop";
import { topBar } from "./view/topbar";
import { tradesPanel } from "./view/trades";

const store = new Store();
const stop = stopButton(store, joinFeed(store));

document.querySelector("#app")?.replaceChildren(
  topBar(store, stop.button),
  h("div", { class: "strip" }, healthRow(store), alertsBox(store)),
  stop.banner,
  h(
    "main",
    {},
    marketPanel(store),
    h("div", { class: "side" }, accountPanel(store), positionsPanel(store), decisionsPanel(store)),
    h("div", { class: "below" }, tradesPanel(store), eventsPanel(store)),
  ),
);
