// Times rounded to fewer bits, as records keep them: waits in 16, offsets in 8. Pure.

// A wait in 16 bits: seconds below 32,768, then steps of 64 seconds, up to 24 days.
const STEP = 64;
const FINE = 0x8000;

/** The code of a wait in a record: 16 bits. */
export function coarseWait(seconds: number): number {
  return seconds < FINE ? seconds : FINE + Math.floor((seconds - FINE) / STEP);
}

/** The wait, in seconds, that a code stands for. */
export function fineWait(code: number): number {
  return code < FINE ? code : FINE + (code - FINE) * STEP;
}

// An offset in 8 bits: 1 for the same second, then each code 4.9 % later, up to two days; 0 stands for none.
const RATIO = Math.log(1.049);

export function coarseOffset(seconds: number): number {
  return Math.max(1, Math.min(255, 1 + Math.round(Math.log1p(Math.max(0, seconds)) / RATIO)));
}

export function fineOffset(code: number): number {
  return Math.round(Math.expm1((code - 1) * RATIO));
}
