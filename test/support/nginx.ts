// The real nginx as one process in the foreground; pid file, logs and temporary files lie in a folder of its own.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isListening } from './listening.ts';
import { type Program, startProgram } from './program.ts';
import { tempFolder } from './temp-folder.ts';
import { waitFor } from './wait.ts';

/** Debian puts it where only root's PATH looks. */
const PROGRAM = '/usr/sbin/nginx';

export interface Nginx extends AsyncDisposable {
  readonly pid: number;
  output(): string;
}

/** Starts it with the content of an `http { … }` block, and waits until it listens on 127.0.0.1:`port`. */
export async function startNginx(options: { port: number; http: string }): Promise<Nginx> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('nginx'));
  const file = join(folder.path, 'nginx.conf');
  await mkdir(join(folder.path, 'temp'));
  await writeFile(file, configuration(folder.path, options.http));
  const program: Program = stack.use(
    startProgram(PROGRAM, ['-p', folder.path, '-c', file, '-e', 'stderr'], { cwd: folder.path }),
  );
  await waitFor('nginx to listen', () => isListening(program, options.port), { limitMs: 30_000 });
  const running = stack.move();
  return {
    pid: program.pid,
    output: program.output,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** `master_process off`: the started process is the one that answers, and ending it ends everything. */
function configuration(folder: string, http: string): string {
  return `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${join(folder, 'temp/body')};
  proxy_temp_path ${join(folder, 'temp/proxy')};
  fastcgi_temp_path ${join(folder, 'temp/fastcgi')};
  uwsgi_temp_path ${join(folder, 'temp/uwsgi')};
  scgi_temp_path ${join(folder, 'temp/scgi')};
  server_tokens off;
${http}
}
`;
}
