// Benchmarks alone: `npm run bench`. They are no tests and decide nothing in CI.

import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: [], benchmark: { include: ['test/bench/**/*.bench.ts'] } } });
