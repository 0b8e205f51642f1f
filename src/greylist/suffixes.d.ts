// What suffixes.build.mjs makes; declared, so that the types hold before the first build too.
declare module '*/dist/suffixes.json' {
  const table: string;
  export default table;
}
