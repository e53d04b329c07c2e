/** Money for the eye: exact decimals stay strings and big integers from the wire to the screen, never floats. */

interface Exact {
  readonly units: bigint;
  readonly places: number;
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;
export const MINUS = "−";
export const NOTHING = "–";

function exact(text: string): Exact | undefined {
  const found = DECIMAL.exec(text.trim());
  if (!found) return undefined;
  const [, sign, whole = "0", fraction = ""] = found;
  const units = BigInt(whole + fraction);
  return { units: sign === "-" ? -units : units, places: fraction.length };
}

/** The same value in units of 10^-places, rounded half away from zero. */
function inUnits({ units, places: from }: Exact, places: number): bigint {
  if (from <= places) return units * 10n ** BigInt(places - from);
  const step = 10n ** BigInt(from - places);
  const half = step / 2n;
  return (units < 0n ? units - half : units + half) / step;
}

function spell(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const cut = digits.length - places;
  const whole = digits.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",");
  return (units < 0n ? MINUS : "") + whole + (places > 0 ? "." + digits.slice(cut) : "");
}

/** -1, 0 or 1; 0 also for what is no number. */
export function signOf(text: string): -1 | 0 | 1 {
  const units = exact(text)?.units ?? 0n;
  return units < 0n ? -1 : units > 0n ? 1 : 0;
}

export function fixed(text: string, places = 2): string {
  const value = exact(text);
  return value ? spell(inUnits(value, places), places) : NOTHING;
}

/** With its sign in front, so that a gain is seen as one. */
export function signed(text: string, places = 2): string {
  const value = exact(text);
  if (!value) return NOTHING;
  const units = inUnits(value, places);
  return (units > 0n ? "+" : "") + spell(units, places);
}

/** A fraction as per cent: "0.0312" is "3.12%". */
export function percent(fraction: string, places = 2): string {
  const value = exact(fraction);
  return value ? spell(inUnits({ units: value.units * 100n, places: value.places }, places), places) + "%" : NOTHING;
}

/** A price with the places that matter at its size. */
export function price(text: string): string {
  const value = exact(text);
  if (!value) return NOTHING;
  const size = inUnits(value, 0);
  const magnitude = size < 0n ? -size : size;
  return fixed(text, magnitude >= 10_000n ? 1 : magnitude >= 10n ? 2 : 5);
}

/** A quantity without its trailing zeros and without its sign; which way is said in words. */
export function quantity(text: string): string {
  const value = exact(text);
  if (!value) return NOTHING;
  const shown = spell(value.units < 0n ? -value.units : value.units, value.places);
  return shown.includes(".") ? shown.replace(/\.?0+$/, "") : shown;
}

/** part / whole with so many places; empty when there is no whole. */
export function ratio(part: string, whole: string, places = 2): string {
  const [a, b] = [exact(part), exact(whole)];
  if (!a || !b || b.units === 0n) return "";
  const common = Math.max(a.places, b.places);
  const scaled = (inUnits(a, common) * 10n ** BigInt(places + 1)) / inUnits(b, common);
  const units = inUnits({ units: scaled, places: places + 1 }, places);
  const plain = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const cut = plain.length - places;
  return (units < 0n ? "-" : "") + plain.slice(0, cut) + (places > 0 ? "." + plain.slice(cut) : "");
}

/** How full a meter is, 0 to 1: geometry for the screen, not money. */
export function fullness(part: string, whole: string): number {
  const share = Number(ratio(part, whole, 4) || "0");
  return Math.min(1, Math.max(0, share));
}
