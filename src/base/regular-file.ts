// Small files of others, read without ever waiting.

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';

/** Bytes read at once. */
const PIECE = 64 * 1024;

/**
 * Up to `limit` bytes of a regular file and its mode, or why not: `not-regular`, or the error's code. Never waits:
 * a FIFO would hang the process, a device would fill its memory (threats P2).
 */
export function readRegularFile(
  path: string,
  limit: number,
): { readonly bytes: Buffer; readonly status: Stats } | { readonly why: string } {
  let handle: number | null = null;
  try {
    handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(handle);
    return status.isFile() ? { bytes: readUpTo(handle, limit), status } : { why: 'not-regular' };
  } catch (error) {
    return { why: error instanceof Error && 'code' in error ? String(error.code) : 'error' };
  } finally {
    if (handle !== null) closeSync(handle);
  }
}

/** Piece by piece: the size that a file tells is none for what a kernel or a network makes up. */
function readUpTo(handle: number, limit: number): Buffer {
  const pieces: Buffer[] = [];
  for (let length = 0; length < limit; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE, limit - length));
    const read = readSync(handle, piece, 0, piece.length, null);
    if (read === 0) break;
    pieces.push(piece.subarray(0, read));
    length += read;
  }
  return Buffer.concat(pieces);
}
