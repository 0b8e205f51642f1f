// The type of what suffixes.build.mjs makes, so that the types hold before the first build too. (A suffixes.d.ts would be
// passed over: TypeScript takes it for the output of suffixes.ts.)
declare module '*/dist/suffixes.json' {
  const table: string;
  export default table;
}
