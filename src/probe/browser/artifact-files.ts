// The folder of files that failed browser visits leave: one folder a visit under a random name, bounded by age and by
// size in all. Nothing of a request ever names a file: ids and kinds are checked against what they can be.

import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { ARTIFACT_KINDS, type ArtifactKind } from '../../model/artifact.ts';
import type { Artifacts } from './message.ts';

/** Threats, section 6. */
const AGE_LIMIT_MS = 14 * 86_400_000;
const SIZE_LIMIT_BYTES = 200 * 1024 * 1024;
/** Below this share of free disk nothing new is kept. */
const FREE_SHARE = 0.1;
const ID = /^[0-9a-f]{32}$/;

const FILES: Readonly<Record<ArtifactKind, string>> = {
  screenshot: 'screenshot.jpg',
  exchanges: 'exchanges.har',
  console: 'console.txt',
};

export interface ArtifactFiles {
  /** Keeps them; the id, or null when there is no room. */
  keep(artifacts: Artifacts): string | null;
  /** The file's bytes, or null when it is not there (any more). */
  read(id: string, kind: ArtifactKind): Buffer | null;
  /** Kinds that are there. */
  list(id: string): readonly ArtifactKind[];
  /** Removes what is too old or too much. */
  prune(): void;
}

/** Files in `folder`, which is made when the first are kept, for its owner alone (threats S3). */
export function createArtifactFiles(folder: string, clock: Clock): ArtifactFiles {
  const place = (id: string, kind: ArtifactKind): string | null =>
    ID.test(id) ? join(folder, id, FILES[kind]) : null;
  const files: ArtifactFiles = {
    keep(artifacts) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        files.prune();
        const { bavail, blocks } = statfsSync(folder);
        if (bavail < blocks * FREE_SHARE) return null;
        const id = randomBytes(16).toString('hex');
        mkdirSync(join(folder, id), { mode: 0o700 });
        const write = (kind: ArtifactKind, content: Buffer | string): void =>
          writeFileSync(join(folder, id, FILES[kind]), content, { mode: 0o600 });
        write('exchanges', artifacts.exchanges);
        write('console', artifacts.console);
        if (artifacts.screenshot !== null) write('screenshot', Buffer.from(artifacts.screenshot, 'base64'));
        return id;
      } catch {
        return null; // the result matters, its pictures do not
      }
    },
    read(id, kind) {
      const file = place(id, kind);
      try {
        return file === null ? null : readFileSync(file);
      } catch {
        return null;
      }
    },
    list: (id) => ARTIFACT_KINDS.filter((kind) => existsSync(place(id, kind) ?? '')),
    prune() {
      const kept = entries(folder).toSorted((a, b) => b.at - a.at);
      let bytes = 0;
      for (const { name, at, size } of kept) {
        bytes += size;
        if (clock.now() - at > AGE_LIMIT_MS || bytes > SIZE_LIMIT_BYTES)
          rmSync(join(folder, name), { recursive: true, force: true });
      }
    },
  };
  return files;
}

function entries(folder: string): readonly { name: string; at: number; size: number }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => ID.test(name))
    .flatMap((name) => {
      try {
        const own = join(folder, name);
        const size = readdirSync(own).reduce((sum, file) => sum + statSync(join(own, file)).size, 0);
        return [{ name, at: statSync(own).mtimeMs, size }];
      } catch {
        return []; // being removed by somebody else
      }
    });
}
