// Users' own signatures (`signatures:` of the configuration), tried before the catalogue (DESIGN 4).

import { z } from 'zod';
import { name } from '../base/schema.ts';
import { type SignatureId, type SignatureText, VERDICTS } from '../model/verdict.ts';
import { textOf } from './catalogue.ts';
import type { Scene } from './scene.ts';
import type { Claim } from './signature.ts';

const status = z.number().int().min(100).max(599);

const literal = z.string().min(1).max(1_000);

const conditions = z
  .strictObject({
    status: z.union([status.transform((one) => [one]), z.array(status).min(1)]).optional(),
    header: z.record(z.string().min(1).toLowerCase(), z.string().max(1_000)).optional(),
    contains: literal.optional(),
    'not-contains': literal.optional(),
    location: literal.optional(),
  })
  .refine((when) => Object.keys(when).length > 0, { error: 'needs at least one condition' });

/**
 * One entry of `signatures:`. All conditions of `when` must hold: `status` equals (or is in the list), `header` values
 * and `contains` are literal, case-sensitive parts, `location` is a literal beginning.
 */
export const userSignatureSchema = z
  .strictObject({
    id: name().refine((id) => textOf(id) === null, { error: 'is the id of a built-in signature' }),
    when: conditions,
    verdict: z.enum(VERDICTS),
    component: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,62}$/, { error: 'must be a component type such as gate or cdn' }),
    'first-check': z.string().max(1_000).optional(),
  })
  .transform((entry) => ({
    id: entry.id as SignatureId,
    when: {
      status: entry.when.status ?? [],
      header: entry.when.header ?? {},
      contains: entry.when.contains ?? null,
      notContains: entry.when['not-contains'] ?? null,
      location: entry.when.location ?? null,
    },
    verdict: entry.verdict,
    component: entry.component,
    firstCheck: entry['first-check'] ?? null,
  }));

export type UserSignature = z.output<typeof userSignatureSchema>;

/** Its text, for alerts and page. */
export function userSignatureText(signature: UserSignature): SignatureText {
  return {
    id: signature.id,
    pointsAt: [signature.component],
    phrase: `get an answer of the pattern ${signature.id}`,
    meaning: `The answer matches the configured signature ${signature.id}.`,
    firstCheck: signature.firstCheck ?? `what the configuration says of ${signature.id}`,
    source: 'configuration',
  };
}

/** The first of the users' signatures that holds for the answer. */
export function userClaim(
  scene: Scene,
  signatures: readonly UserSignature[],
): { readonly text: SignatureText; readonly claim: Claim } | null {
  const signature = signatures.find((each) => holds(scene, each.when));
  if (signature === undefined) return null;
  const reason = `matches the configured signature ${signature.id} with status ${scene.response?.status}`;
  return {
    text: userSignatureText(signature),
    claim: { verdict: signature.verdict, pointsAt: [signature.component], reason },
  };
}

function holds(scene: Scene, when: UserSignature['when']): boolean {
  const answer = scene.response;
  if (answer === null) return false;
  if (when.status.length > 0 && !when.status.includes(answer.status ?? 0)) return false;
  if (when.location !== null && !(answer.headers['location'] ?? '').startsWith(when.location)) return false;
  if (when.contains !== null && !answer.body.includes(when.contains)) return false;
  if (when.notContains !== null && answer.body.includes(when.notContains)) return false;
  return Object.entries(when.header).every(([key, part]) => answer.headers[key]?.includes(part) === true);
}
