// The clock by which durations are measured. What goes on record is the time of day instead.

/** Milliseconds, by a clock that cannot jump. (The global `performance` is loaded when first named, which takes longer.) */
export const monotonic = () => process.uptime() * 1000;
