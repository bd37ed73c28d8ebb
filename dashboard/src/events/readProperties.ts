/** A value as written in the event's JSON: numbers keep every digit, unlike with JSON.parse. */
export type EventProperty = { name: string; value: string };

const PAIR = /"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|[^\s,{}[\]"]+)\s*(,|}\s*$)/gy;

/** The properties of an event, a flat JSON object. Null for any other text. */
export function readProperties(json: string): EventProperty[] | null {
  const text = json.trim();
  if (/^\{\s*\}$/.test(text)) return [];
  if (!text.startsWith('{')) return null;
  const found: EventProperty[] = [];
  PAIR.lastIndex = skipSpace(text, 1);
  for (;;) {
    const match = PAIR.exec(text);
    const [whole, name, value, end] = match ?? [];
    if (whole === undefined || name === undefined || value === undefined) return null;
    found.push({ name: unquote(`"${name}"`), value: value.startsWith('"') ? unquote(value) : value });
    if (end !== ',') return found;
    PAIR.lastIndex = skipSpace(text, PAIR.lastIndex);
  }
}

function skipSpace(text: string, index: number): number {
  let at = index;
  while (/\s/.test(text[at] ?? '')) at++;
  return at;
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}
