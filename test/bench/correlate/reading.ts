// What a kind of failure reads as: the classifier's own signature and what it points at, so that the world needs no
// table of either. Kinds of the world are error codes of a connection, or signatures where a body would be needed.

import { claims, textOf } from '../../../src/classify/catalogue.ts';
import { createScene } from '../../../src/classify/scene.ts';
import type { Subject } from '../../../src/model/check.ts';
import { ERROR_CODES, type ErrorCode, type Observation } from '../../../src/model/observation.ts';
import type { SignatureId } from '../../../src/model/verdict.ts';

export interface Reading {
  readonly signature: SignatureId;
  readonly pointsAt: readonly string[];
}

/** Readings by kind of failure and what of the subject the classifier looks at. */
export function createReader(): (subject: Subject, failure: string) => Reading {
  const known = new Map<string, Reading>();
  return (subject, failure) => {
    const expected = subject.kind === 'visit' ? subject.expect.is : subject.canary;
    const key = `${failure} ${subject.path?.kind} ${expected}`;
    let reading = known.get(key);
    if (reading === undefined) {
      reading = isErrorCode(failure) ? readError(subject, failure) : readAnswer(subject, failure);
      known.set(key, reading);
    }
    return reading;
  };
}

function isErrorCode(failure: string): failure is ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(failure);
}

function readError(subject: Subject, code: ErrorCode): Reading {
  const error = { phase: 'connect' as const, code, message: '' };
  const observation: Observation = {
    startedAt: 0,
    durationMs: 0,
    exchanges: [],
    flow: null,
    secrets: [],
    stop: 'error',
    error,
  };
  const context = { gates: [], paths: [], knowledge: { get: () => null }, now: 0 };
  const [claimed] = claims(createScene(subject, observation, context), 'transport');
  if (claimed === undefined) throw new Error(`no signature claims ${code}`);
  return { signature: claimed.text.id, pointsAt: claimed.claim.pointsAt ?? claimed.text.pointsAt };
}

function readAnswer(subject: Subject, id: string): Reading {
  const text = textOf(id);
  if (text === null) throw new Error(`the catalogue has no ${id}`);
  // A backend that is missing may be the outpost where the gate proxies (src/classify/signatures/proxy.ts).
  const behindGate = subject.kind === 'visit' && subject.expect.is === 'login';
  if (id === 'proxy-no-backend' && behindGate)
    return { signature: text.id, pointsAt: ['target', 'gate', 'origin'] };
  return { signature: text.id, pointsAt: text.pointsAt };
}
