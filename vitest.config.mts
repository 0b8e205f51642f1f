// How the tests run. Most of their time is waiting for processes, so two files at a time use two processors; those whose
// subject is when something happens, or that build in this checkout, run one by one after the others.
import { defineConfig } from 'vitest/config';

// Far above what anything here takes, even on a busy machine.
const limits = { testTimeout: 120_000, hookTimeout: 300_000 };

const ONE_BY_ONE = [
  'test/*.test.ts',
  'test/bin/**',
  'test/e2e/snippet.test.ts', // `npm pack` builds anew
  'test/filter/**',
  'test/fleet/{doctor,load,network,topology,without}.test.ts', // whose engines are held to a time limit
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
