// Where Chromium is. Debian's `chromium-headless-shell` and `chromium` in /usr/bin are scripts that start the program
// as a child: killing the script leaves the browser behind. So the programs themselves are looked for.

import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';

/** In order: the headless shell needs a sixth of the CPU of the full browser (reference/performance.md 9). */
const PLACES = [
  '/usr/lib/chromium/chromium-headless-shell', // Debian, Ubuntu
  '/usr/lib64/chromium-browser/headless_shell', // Fedora
  '/headless-shell/headless-shell', // docker.io/chromedp/headless-shell
  '/usr/lib/chromium/chromium', // Debian, Alpine, Arch
  '/usr/lib64/chromium-browser/chromium-browser',
  '/usr/lib/chromium-browser/chromium-browser',
  '/opt/google/chrome/chrome',
];

/** The program to start, or why there is none. */
export function findExecutable(
  wanted: string,
  places: readonly string[] = PLACES,
): { readonly file: string } | { readonly problem: string } {
  if (wanted !== 'auto') {
    const problem = problemOf(wanted);
    return problem === null ? { file: wanted } : { problem: `${wanted} ${problem}` };
  }
  const file = places.find((place) => problemOf(place) === null);
  if (file !== undefined) return { file };
  return {
    problem:
      'no Chromium is installed where it is looked for; browser.executable or browser.connect names one',
  };
}

function problemOf(file: string): string | null {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return 'is not there, or may not be executed';
  }
  return isScript(file) ? 'is a script that starts a browser; name the program that it starts' : null;
}

function isScript(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return false; // executable but not readable: no script could run so
  }
  try {
    const first = Buffer.alloc(2);
    return readSync(descriptor, first) === 2 && first.toString('latin1') === '#!';
  } finally {
    closeSync(descriptor);
  }
}
