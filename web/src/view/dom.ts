/** The few helpers that let the views say what they show instead of how the document is changed. */

type Child = Node | string | undefined | false;
type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;

/** An element: strings become attributes, functions listeners ("click"), true an empty attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

/** Sets text only when it changed, so that selections, screen readers and the layout are left in peace. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element: HTMLElement | SVGElement, name: string, value: string): void {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

/** Colours a figure by its sign. */
export function tone(element: HTMLElement, sign: -1 | 0 | 1): void {
  mark(element, "tone", sign > 0 ? "good" : sign < 0 ? "bad" : "plain");
}

/** Shows one element per item, in order, and keeps those that stay. */
export function keyed<T>(
  box: HTMLElement,
  items: readonly T[],
  key: (item: T) => string,
  make: (item: T) => HTMLElement,
  update: (element: HTMLElement, item: T) => void = () => {},
): void {
  const old = new Map([...box.children].map((child) => [(child as HTMLElement).dataset["key"] ?? "", child as HTMLElement]));
  let next: Element | null = box.firstElementChild;
  for (const item of items) {
    const id = key(item);
    const element = old.get(id) ?? make(item);
    old.delete(id);
    mark(element, "key", id);
    update(element, item);
    if (element === next) next = next.nextElementSibling;
    else box.insertBefore(element, next);
  }
  old.forEach((element) => element.remove());
}

let panels = 0;

/** A titled part of the screen. */
export function panel(title: string, name: string, ...heading: Child[]): { root: HTMLElement; body: HTMLElement; head: HTMLElement } {
  const id = `panel-${(panels += 1)}`;
  const head = h("header", {}, h("h2", { id }, title), ...heading);
  const body = h("div", { class: "body" });
  const root = h("section", { class: `panel ${name}`, "aria-labelledby": id, "data-testid": name }, head, body);
  return { root, body, head };
}
