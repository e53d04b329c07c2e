/** Keeping things fresh: a stream that opens itself again, and a question that is asked again. */

import { ConnectError } from "@connectrpc/connect";
import { waitBefore } from "../pure/backoff";
import type { Link } from "./topics";

type Report = (link: Link) => void;

/** A stream that was opened and says nothing is taken as live after this long: some have nothing to say yet. */
const QUIET_MS = 1_500;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}

function link(state: Link["state"], attempt = 0, error: unknown = undefined): Link {
  const words = error === undefined ? "" : ConnectError.from(error).rawMessage;
  return { state, attempt, error: words, since: Date.now() };
}

export interface Stream<T> {
  open: (signal: AbortSignal, opened: () => void) => AsyncIterable<T>;
  take: (message: T) => void;
  report: Report;
  /** A stream that must speak at least this often, or is opened again. */
  silenceMs?: number;
}

/** Runs a stream for ever. Returns what cuts it off for so long: its connection is then free for something that matters more. */
export function keepWatching<T>(stream: Stream<T>): (ms: number) => void {
  let current = new AbortController();
  let restMs = 0;
  const run = async (): Promise<never> => {
    for (let attempt = 0; ; attempt += 1) {
      current = new AbortController();
      stream.report(link(attempt === 0 ? "connecting" : "reconnecting", attempt));
      const problem = await watchOnce(stream, current, () => (attempt = 0));
      stream.report(link("reconnecting", attempt + 1, problem));
      await pause(restMs || waitBefore(attempt, Math.random()), new AbortController().signal);
      restMs = 0;
    }
  };
  void run();
  return (ms) => {
    restMs = ms;
    current.abort();
  };
}

async function watchOnce<T>(stream: Stream<T>, cut: AbortController, lived: () => void): Promise<unknown> {
  let live = false;
  const alive = (): void => {
    if (!live && !cut.signal.aborted) stream.report(link("live"));
    live = true;
  };
  const quiet = setTimeout(alive, QUIET_MS);
  let silence = setTimeout(() => {}, 0);
  const listen = (): void => {
    clearTimeout(silence);
    if (stream.silenceMs) silence = setTimeout(() => cut.abort(new Error("silent for too long")), stream.silenceMs);
  };
  try {
    listen();
    for await (const message of stream.open(cut.signal, alive)) {
      alive();
      lived();
      listen();
      stream.take(message);
    }
    return new Error("the stream ended");
  } catch (error) {
    return error;
  } finally {
    clearTimeout(quiet);
    clearTimeout(silence);
  }
}

export interface Question {
  ask: () => Promise<void>;
  report: Report;
  everyMs: number;
}

/** At most this often, however many events call for it. */
const SPACING_MS = 200;

/** Asks now, then every so often. Returns what has it asked soon. */
export function keepAsking(question: Question): () => void {
  let wake = new AbortController();
  const run = async (): Promise<never> => {
    for (let failures = 0; ; ) {
      const waking = (wake = new AbortController());
      try {
        await question.ask();
        failures = 0;
        question.report(link("live"));
      } catch (error) {
        failures += 1;
        question.report(link("reconnecting", failures, error));
      }
      await pause(SPACING_MS, new AbortController().signal);
      await pause(failures ? waitBefore(failures, Math.random()) : question.everyMs, waking.signal);
    }
  };
  question.report(link("connecting"));
  void run();
  return () => wake.abort();
}
