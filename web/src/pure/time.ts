/** Moments for the eye, always UTC, so that market time and log lines can be laid side by side. */

export const MINUTE_MS = 60_000;

type Moment = number | bigint;

/** "14:35:10" */
export function clock(ms: Moment): string {
  return new Date(Number(ms)).toISOString().slice(11, 19);
}

/** "03-02 14:35" */
export function short(ms: Moment): string {
  return new Date(Number(ms)).toISOString().slice(5, 16).replace("T", " ");
}

/** "2026-03-02 14:35:10" */
export function full(ms: Moment): string {
  return new Date(Number(ms)).toISOString().slice(0, 19).replace("T", " ");
}

/** "now", "7 s", "3 min", "5 h", "2 d" */
export function age(ms: Moment): string {
  const seconds = Math.floor(Number(ms) / 1000);
  if (seconds < 2) return "now";
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
