/** The feed in a shared worker: however many tabs are open, the mesh sees one of them. */

import { startFeed } from "./feed";
import { meshTransport } from "./transport";
import type { Topic, Topics } from "./topics";

export type ToPage = { [T in Topic]: { readonly topic: T; readonly value: Topics[T]; readonly at: number } }[Topic];
export type ToWorker = { readonly kind: "join" } | { readonly kind: "leave" } | { readonly kind: "make way"; readonly ms: number };

const pages = new Set<MessagePort>();
const newest = new Map<Topic, ToPage>();

const feed = startFeed(meshTransport(), {
  put: (topic, value) => {
    const message = { topic, value, at: Date.now() } as ToPage;
    newest.set(topic, message);
    pages.forEach((page) => page.postMessage(message));
  },
});

function hear(page: MessagePort, message: ToWorker): void {
  if (message.kind === "make way") return feed.makeWay(message.ms);
  if (message.kind === "leave") return void pages.delete(page);
  pages.add(page);
  newest.forEach((value) => page.postMessage(value));
}

self.addEventListener("connect", (event) => {
  const page = (event as MessageEvent).ports[0];
  if (!page) return;
  page.onmessage = ({ data }: MessageEvent<ToWorker>) => hear(page, data);
});
