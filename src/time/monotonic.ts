// Time for whoever measures how long something takes or waits. What goes on record has the time of day.

/** Milliseconds by a clock that cannot jump. (Node loads `performance` when it is first named, which takes longer.) */
export const monotonic = () => process.uptime() * 1000;
