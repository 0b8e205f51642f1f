// How the page looks, on a phone and on a wide screen, in light and dark.

export const STYLE = `
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1c2430; --soft: #5c6675; --line: #dde2e9;
  --back: #2f6fde; --not: #b9c2cf; --slow: #c2571a; --hint: #fff6df; --hint-line: #e3b341; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12161c; --card: #1b2129; --text: #e4e8ee; --soft: #9aa5b4; --line: #303945;
  --back: #6ea0f7; --not: #4b5666; --slow: #f0975a; --hint: #2b2617; --hint-line: #8a6d1d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .75rem; }
p { margin: 0 0 .5rem; overflow-wrap: anywhere; }
.soft, .notes { color: var(--soft); font-size: .875rem; }
.lead { font-size: 1.05rem; margin: .75rem 0 0; }
.hint { background: var(--hint); border-left: 4px solid var(--hint-line); border-radius: 4px; padding: .75rem 1rem; margin: 1rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.tile, section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.tile { padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.2rem; line-height: 1.25; font-weight: 650; }
.tile span { color: var(--soft); font-size: .875rem; }
.columns { columns: 26rem 2; column-gap: .75rem; }
section { padding: 1rem; margin: 0 0 .75rem; break-inside: avoid; }
svg { display: block; width: 100%; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; }
rect.back, circle.back { fill: var(--back); } rect.not { fill: var(--not); } circle.slow { fill: var(--slow); }
line { stroke-width: 2; } line.back { stroke: var(--back); } line.slow { stroke: var(--slow); }
line.axis, line.grid { stroke: var(--line); stroke-width: 1; }
section > :last-child { margin-bottom: 0; }
.framed { display: grid; grid-template-columns: 3.25rem minmax(0, 1fr); }
.bin { display: grid; grid-template-columns: 8.5rem 1fr 3.5rem; gap: .5rem; align-items: center; font-size: .875rem; }
.bin > span:first-child { text-align: right; color: var(--soft); }
.legend { color: var(--soft); font-size: .875rem; margin: .5rem 0 0; }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .75em; height: .75em; margin-right: .4em; border-radius: 2px; }
i.back { background: var(--back); } i.not { background: var(--not); } i.slow { background: var(--slow); }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th { color: var(--soft); font-weight: 500; text-align: left; }
th, td { padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; } tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.n { white-space: normal; }
th:last-child, td:last-child { padding-right: 0; }
.notes { margin-top: .5rem; }
@media (max-width: 30rem) {
  tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(5.5rem, 1fr)); border-bottom: 1px solid var(--line); padding: .3rem 0; }
  th, td { border: 0; padding: 0; } td:not(.n), th:not(.n) { grid-column: 1 / -1; } td:empty, th:empty { display: none; } td:first-child { font-weight: 500; }
  tr:last-child { border: 0; } .n { text-align: left; }
}
`;
