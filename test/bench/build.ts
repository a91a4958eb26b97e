// The program as users get it: compiled by the package's own compiler options into a folder, beside the packages.

import { execFile } from 'node:child_process';
import { copyFile, cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Compiles into the folder; the entry point's file. */
export async function buildInto(folder: string): Promise<string> {
  const at = (...parts: string[]): string => join(REPOSITORY, ...parts);
  const out = join(folder, 'dist');
  const tsc = at('node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', at('tsconfig.build.json'), '--outDir', out]);
  await cp(at('config'), join(out, 'config'), { recursive: true });
  await cp(at('src/store/migrations'), join(out, 'src/store/migrations'), { recursive: true });
  await cp(at('src/web/static'), join(out, 'src/web/static'), { recursive: true });
  await copyFile(at('package.json'), join(folder, 'package.json'));
  await symlink(at('node_modules'), join(folder, 'node_modules'));
  return join(out, 'src/main.js');
}
