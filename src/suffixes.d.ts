// What tools/suffixes.mjs makes; declared, so that the types hold before the first build too.
declare module '*/build/suffixes.json' {
  const table: string;
  export default table;
}
