// `npm test`: every step that must hold, fast to slow, each with its name; the last line counts them.
// `npm test -- unit architecture` runs only the steps whose names start so.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Counts {
  passed: number;
  failed: number;
}

/** Longest a step may take: the whole run stays under 40 minutes. */
const STEP_LIMIT_MS = 30 * 60_000;

const folder = mkdtempSync(join(tmpdir(), 'gatewatch-test-'));

/** Runs a program to its end; the exit code, or 124 when it took too long. */
function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const timer = setTimeout(() => {
      console.log(`  step took longer than ${STEP_LIMIT_MS / 60_000} minutes`);
      child.kill('SIGKILL');
      resolve(124);
    }, STEP_LIMIT_MS);
    child.on('error', (error) => {
      console.log(`  ${error.message}`);
      clearTimeout(timer);
      resolve(127);
    });
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code ?? 1);
    });
  });
}

/** A step that passes or fails as a whole. */
function whole(command: string, ...args: string[]): () => Promise<Counts> {
  return async () => ((await run(command, args)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
}

/** A vitest project, counted test by test; a run without tests is a failure. */
function tests(project: string): () => Promise<Counts> {
  return async () => {
    const report = join(folder, `${project}.json`);
    const code = await run('vitest', [
      'run',
      '--project',
      project,
      '--reporter=dot',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    let counts: Counts = { passed: 0, failed: 0 };
    try {
      const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
      // Whatever neither passed nor failed (skipped, not reached) did not hold.
      counts = { passed: numPassedTests, failed: Math.max(numFailedTests, numTotalTests - numPassedTests) };
    } catch (error) {
      console.log(`  no report: ${error instanceof Error ? error.message : error}`);
    }
    return code === 0 && counts.passed > 0
      ? counts
      : { passed: counts.passed, failed: Math.max(1, counts.failed) };
  };
}

const STEPS: readonly (readonly [string, () => Promise<Counts>])[] = [
  ['components', whole('sh', 'test/install-components.sh')],
  ['lint', whole('biome', 'ci', '--max-diagnostics=50', '.')],
  ['types', whole('tsc', '-p', '.')],
  ['unused', whole('knip', '--no-progress')],
  ['unit', tests('unit')],
  ['integration', tests('integration')],
  ['browser', tests('browser')],
  ['system', tests('system')],
];

const wanted = process.argv.slice(2);
const total: Counts = { passed: 0, failed: 0 };
for (const [name, step] of STEPS) {
  if (wanted.length > 0 && !wanted.some((prefix) => name.startsWith(prefix))) continue;
  console.log(`\n=== ${name}`);
  const counts = await step();
  console.log(`=== ${name}: ${counts.passed} passed, ${counts.failed} failed`);
  total.passed += counts.passed;
  total.failed += counts.failed;
}
rmSync(folder, { recursive: true, force: true });
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
