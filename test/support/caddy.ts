// The real Caddy, without its administration port (unless asked for), automatic certificates, HTTP/3, or a file outside its folder.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isListening } from './listening.ts';
import { type Program, startProgram } from './program.ts';
import { tempFolder } from './temp-folder.ts';
import { waitFor } from './wait.ts';

export interface Caddy extends AsyncDisposable {
  readonly pid: number;
  output(): string;
}

/**
 * Starts it with these site blocks of a Caddyfile (`bind 127.0.0.1` is the caller's), and waits until it listens
 * on `port`.
 */
export async function startCaddy(options: { port: number; sites: string; admin?: number }): Promise<Caddy> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('caddy'));
  const file = join(folder.path, 'Caddyfile');
  await writeFile(file, `${globalOptions(folder.path, options.admin)}\n${options.sites}`);
  const environment = { HOME: folder.path, XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path };
  const program: Program = stack.use(
    startProgram('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
      cwd: folder.path,
      environment,
    }),
  );
  await waitFor('Caddy to listen', () => isListening(program, options.port), { limitMs: 30_000 });
  const running = stack.move();
  return {
    pid: program.pid,
    output: program.output,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function globalOptions(folder: string, admin?: number): string {
  return `{
	admin ${admin === undefined ? 'off' : `127.0.0.1:${admin}`}
	skip_install_trust
	auto_https ${admin === undefined ? 'off' : 'disable_redirects'}
	storage file_system ${join(folder, 'storage')}
	grace_period 1s
	log {
		output stderr
		level WARN
	}
	servers {
		protocols h1 h2
	}
}
`;
}
