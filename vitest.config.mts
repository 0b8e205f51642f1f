// How the tests run. Most of their time they wait for processes, so two files at a time make use of two processors. Those about
// when something happens, and those that build in this checkout, run one by one afterwards.
import { defineConfig } from 'vitest/config';

// Far above what anything here takes, even on a busy machine. None where more is asked for than CI does, as README.md says how.
const isMore = Object.keys(process.env).some((name) => /^GREYLATCH_(?!ENGINE|SEED)/.test(name));
const limits = { testTimeout: isMore ? 0 : 120_000, hookTimeout: 300_000 };

const ONE_BY_ONE = [
  'test/*.test.ts',
  'test/bin/**',
  'test/e2e/snippet.test.ts', // `npm pack` builds anew
  'test/filter/**',
  'test/fleet/{load,network,topology,without}.test.ts', // of engines that have to answer in time
  'test/log/**',
  'test/manual/**',
  'test/processes/**',
  'test/store/**',
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...limits,
          name: 'two at a time',
          include: ['test/**/*.test.ts'],
          exclude: ONE_BY_ONE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...limits,
          name: 'one by one',
          include: ONE_BY_ONE.map((place) => place.replace(/\*\*$/, '**/*.test.ts')),
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
