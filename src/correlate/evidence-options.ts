// `evidence:` of the configuration: which alerts of others say something, and about what.

import { z } from 'zod';

export const evidenceSchema = z.strictObject({
  alertname: z
    .string()
    .min(1)
    .max(128)
    .refine((name) => !name.startsWith('Gatewatch'), {
      error: 'is one of our own alerts, which are ignored',
    }),
  component: z
    .string()
    .max(512)
    .regex(/^[^\s:]+:\S+$/, { error: 'must be a component as type:name, such as node:rack-1' }),
  effect: z.enum(['inform', 'hold']),
});

export type EvidenceOption = z.output<typeof evidenceSchema>;
