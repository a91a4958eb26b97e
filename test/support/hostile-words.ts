// The words of HTTP/1.1 in which hostile servers speak: heads, pages, redirects, and what a visit comes to.

export const OK = 'HTTP/1.1 200 OK\r\n';
export const BAD = 'down bad-response';
export const TIMEOUT = 'down timeout';
/** A page that anybody gets is right where the target is public, and a hole where it is not. */
export const PAGE = { login: 'down exposed' };

/** A page that ends with its connection; `headers` are whole lines. */
export function page(body: string | Buffer, headers = ''): Buffer {
  return Buffer.concat([Buffer.from(`${OK}${headers}\r\n`, 'latin1'), Buffer.from(body)]);
}

/** A small page behind these header lines. */
export function head(...lines: (string | Buffer)[]): Buffer {
  return Buffer.concat([
    Buffer.from(OK),
    ...lines.flatMap((line) => [Buffer.from(line), Buffer.from('\r\n')]),
    Buffer.from('content-length: 2\r\n\r\nok'),
  ]);
}

export function redirect(location: string | Buffer): Buffer {
  return Buffer.concat([
    Buffer.from('HTTP/1.1 302 Found\r\nlocation: '),
    Buffer.from(location),
    Buffer.from('\r\ncontent-length: 0\r\n\r\n'),
  ]);
}

/** So many lines, each made of its number. */
export function many(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${line(index)}\r\n`).join('');
}
