// Response bodies: decoded as they arrive, kept up to a limit of decoded bytes. The limit is counted here because
// undici and zlib streams count compressed bytes: 304 bytes of brotli became 200 MB (threats M4, H2).

import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { CROWDED_BODY_LIMIT_BYTES, CROWDED_BYTES } from './limits.ts';

/** What a body came to. `undecodable` = wrong or unknown coding. */
export interface Body {
  readonly text: string;
  /** Decoded bytes read. */
  readonly bytes: number;
  /** It went on behind the kept prefix. */
  readonly truncated: boolean;
  readonly undecodable: boolean;
}

/** Takes a body piece by piece. Never throws. */
export interface BodyReader {
  /** `pause`: wait for `resume` before the next piece. `stop`: no more is wanted. */
  write(piece: Buffer): 'more' | 'pause' | 'stop';
  /** No piece follows; resolves once all is decoded. May be called after `stop`, and only once. */
  end(): Promise<Body>;
}

/** Sum of the decoded bytes held by readers that have not ended. */
export interface BodyLedger {
  bytes: number;
}

/**
 * Reader for the headers' Content-Encoding and charset. Exactly one coding of ours (gzip, br) is decoded; any other
 * leaves the body unread and `undecodable`. `resume` is called after a `pause`, `stop` when a decoder found enough
 * or garbage in the background.
 */
export function createBodyReader(options: {
  readonly headers: Readonly<Record<string, string>>;
  readonly limitBytes: number;
  readonly ledger: BodyLedger;
  readonly resume: () => void;
  readonly stop: () => void;
}): BodyReader {
  const { headers, ledger } = options;
  const limitBytes =
    ledger.bytes > CROWDED_BYTES
      ? Math.min(CROWDED_BODY_LIMIT_BYTES, options.limitBytes)
      : options.limitBytes;
  const prefix = createPrefix(limitBytes, ledger);
  const coding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const finish = (undecodable: boolean): Body =>
    prefix.finish(charsetOf(headers['content-type']), undecodable);
  if (coding === 'identity' || coding === '') return plainReader(prefix, finish);
  if (coding !== 'gzip' && coding !== 'x-gzip' && coding !== 'br') return unreadable(finish);
  return decodingReader(coding === 'br', prefix, { ...options, finish });
}

function plainReader(prefix: Prefix, finish: (undecodable: boolean) => Body): BodyReader {
  return {
    write: (piece) => (prefix.add(piece) ? 'more' : 'stop'),
    end: () => Promise.resolve(finish(false)),
  };
}

/** A body nobody can read is a fault only if there is one: 204 and 304 often name a coding. */
function unreadable(finish: (undecodable: boolean) => Body): BodyReader {
  let empty = true;
  return {
    write() {
      empty = false;
      return 'stop';
    },
    end: () => Promise.resolve(finish(!empty)),
  };
}

function decodingReader(
  brotli: boolean,
  prefix: Prefix,
  options: { resume: () => void; stop: () => void; finish: (undecodable: boolean) => Body },
): BodyReader {
  const decoder = brotli ? createBrotliDecompress() : createGunzip();
  let state: 'reading' | 'full' | 'broken' = 'reading';
  let empty = true;
  let settle = (): void => {};
  const stopped = (why: 'full' | 'broken'): void => {
    if (state !== 'reading') return;
    state = why;
    decoder.destroy();
    settle();
    options.stop();
  };
  decoder.on('data', (piece: Buffer) => {
    if (state === 'reading' && !prefix.add(piece)) stopped('full');
  });
  decoder.on('error', () => stopped('broken'));
  decoder.on('end', () => settle());
  decoder.on('drain', () => options.resume());
  return {
    write(piece) {
      if (state !== 'reading') return 'stop';
      empty = false;
      return decoder.write(piece) ? 'more' : 'pause';
    },
    async end() {
      if (state === 'reading' && !empty) {
        await new Promise<void>((resolve) => {
          settle = resolve;
          decoder.end();
        });
      }
      decoder.destroy();
      return options.finish(state === 'broken');
    },
  };
}

interface Prefix {
  /** False when the limit is passed: the piece that does it is cut. */
  add(piece: Buffer): boolean;
  finish(charset: 'utf-8' | 'latin1', undecodable: boolean): Body;
}

function createPrefix(limitBytes: number, ledger: BodyLedger): Prefix {
  const kept: Buffer[] = [];
  let bytes = 0;
  let truncated = false;
  return {
    add(piece) {
      const room = limitBytes - bytes;
      const part = piece.length > room ? piece.subarray(0, room) : piece;
      if (part.length > 0) kept.push(part);
      bytes += part.length;
      ledger.bytes += part.length;
      truncated ||= piece.length > room;
      return !truncated;
    },
    finish(charset, undecodable) {
      ledger.bytes -= bytes;
      const text = DECODERS[charset].decode(kept.length === 1 ? kept[0] : Buffer.concat(kept));
      kept.length = 0;
      return { text, bytes, truncated, undecodable };
    },
  };
}

/** They hold nothing from one text to the next. */
const DECODERS = { 'utf-8': new TextDecoder('utf-8'), latin1: new TextDecoder('latin1') };

/** UTF-8 unless latin1 is declared (threats H8): faults are told by ASCII marks. */
function charsetOf(contentType: string | undefined): 'utf-8' | 'latin1' {
  return /charset="?(iso-8859-1|latin1|windows-1252)/i.test(contentType ?? '') ? 'latin1' : 'utf-8';
}
