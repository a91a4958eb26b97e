// The door to the terminal: hostile text cannot steer it, and colours are there only for people.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPrint, pad, visibleWidth } from '../../../src/cli/print.ts';

const { isTTY } = process.stdout;
let written = '';
beforeEach(() => {
  written = '';
  const keep = (text: unknown): boolean => {
    written += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.stdout.isTTY = isTTY;
});

function onTerminal(environment: Record<string, string> = {}) {
  process.stdout.isTTY = true;
  return createPrint(environment);
}

describe('text', () => {
  const hostile: [what: string, text: string][] = [
    ['an escape sequence', '\u001b[2Jgone'],
    ['a C1 sequence', '\u009b2Jgone'],
    ['a carriage return that overwrites', 'up\rdown'],
    ['a backspace', 'down\b\b\b\bup'],
    ['text that runs backwards', 'abc\u202edef'],
    ['characters without width', 'gra\u200bfana'],
  ];
  test.each(hostile)('shows %s as a dot', (_, text) => {
    const print = onTerminal();
    print.line(text);
    print.note(text);
    print.line(print.paint('red', text));
    const ours = written.replace(/\u001b\[(31|0)m/g, '');
    expect(ours).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/);
    expect(ours).toContain('·');
  });

  test('cannot forge a colour, not even in the form that is used inside', () => {
    const print = onTerminal();
    print.line('\ue00000000000:31\ue001red');
    expect(written).not.toContain('\u001b');
  });
});

describe('colours', () => {
  test('are there on a terminal', () => {
    const print = onTerminal();
    print.line(print.paint('red', 'down'));
    expect(written).toBe('\u001b[31mdown\u001b[0m\n');
  });

  test('are not there with NO_COLOR, nor in a pipe', () => {
    const quiet = onTerminal({ NO_COLOR: '1' });
    quiet.line(quiet.paint('red', 'down'));
    process.stdout.isTTY = false;
    const piped = createPrint({});
    piped.line(piped.paint('red', 'down'));
    expect(written).toBe('down\ndown\n');
  });

  test('do not count as width', () => {
    const print = onTerminal();
    const painted = print.paint('green', 'up');
    expect(visibleWidth(painted)).toBe(2);
    print.line(`${pad(painted, 4)}|`);
    expect(written).toBe('\u001b[32mup\u001b[0m  |\n');
  });
});

test('JSON stays JSON, and cannot steer a terminal', () => {
  const value = { reason: 'a\u007f\u009b2J\u202eb\u001b[2J' };
  onTerminal().json(value);
  expect(written.trimEnd()).not.toMatch(/[\u001b\u007f-\u009f\u202e]/);
  expect(JSON.parse(written)).toEqual(value);
});
