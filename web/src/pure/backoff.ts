/** How long to wait before trying again: quick at first, never a storm, never longer than five seconds. */

const FIRST_MS = 250;
const LONGEST_MS = 5_000;

export function waitBefore(attempt: number, chance: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return longest * (0.5 + chance / 2);
}
