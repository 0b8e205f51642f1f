// Looking at what may not be there, or not be for us to see.

/** What `look` returns, or undefined where it throws. */
export function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
