// The texts of those records of the house that are JSON. Pure.

/** What the text says; where there is none, or it makes no sense, `otherwise`: no request may fail because of it. */
export function fromJson<T>(text: string | undefined, otherwise: T): T {
  try {
    return text === undefined ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}
