/** The page's side of the feed: the newest value of each topic, and who wants to know when it changes. */

import { startFeed, type Feed } from "./feed";
import type { Sink, Topic, Topics } from "./topics";
import { meshTransport } from "./transport";
import type { ToPage, ToWorker } from "./worker";

type Listener<T extends Topic> = (value: Topics[T]) => void;

export class Store implements Sink {
  private readonly values: Partial<Topics> = {};
  private readonly heardAt: Partial<Record<Topic, number>> = {};
  private readonly listeners: { [T in Topic]?: Listener<T>[] } = {};

  put<T extends Topic>(topic: T, value: Topics[T], at = Date.now()): void {
    this.values[topic] = value;
    this.heardAt[topic] = at;
    const told: Listener<T>[] = this.listeners[topic] ?? [];
    told.forEach((listener) => listener(value));
  }

  get<T extends Topic>(topic: T): Topics[T] | undefined {
    return this.values[topic];
  }

  /** How long ago this topic was last told, or undefined when it never was. */
  ageMs(topic: Topic, now = Date.now()): number | undefined {
    const at = this.heardAt[topic];
    return at === undefined ? undefined : now - at;
  }

  on<T extends Topic>(topic: T, listener: Listener<T>): void {
    const told: Listener<T>[] = (this.listeners[topic] ??= [] as never);
    told.push(listener);
    const value = this.values[topic];
    if (value !== undefined) listener(value as Topics[T]);
  }
}

/** Joins the tabs' shared feed; a browser without shared workers gets a feed of its own. */
export function joinFeed(store: Store): Feed {
  if (!("SharedWorker" in window)) return startFeed(meshTransport(), store);
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "perpmesh feed" });
  const tell = (message: ToWorker): void => worker.port.postMessage(message);
  let own: Feed | undefined;
  worker.addEventListener("error", () => (own ??= startFeed(meshTransport(), store)));
  worker.port.onmessage = ({ data }: MessageEvent<ToPage>) => store.put(data.topic, data.value, data.at);
  tell({ kind: "join" });
  window.addEventListener("pagehide", () => tell({ kind: "leave" }));
  window.addEventListener("pageshow", ({ persisted }) => persisted && tell({ kind: "join" }));
  return { makeWay: (ms) => (own ? own.makeWay(ms) : tell({ kind: "make way", ms })) };
}
