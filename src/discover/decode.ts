// The door for foreign data: a schema, and an error that names the place and what was expected, never the value.

import type { z } from 'zod';
import { JsonHttpError } from '../base/json-http.ts';
import { DiscoveryError } from './discoverer.ts';

/** The value as the schema makes it; throws DiscoveryError. `what` names the document or object, for people. */
export function decoded<Out>(schema: z.ZodType<Out>, value: unknown, source: string, what: string): Out {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = [what, ...(issue?.path ?? [])].map(shownKey).join('.');
  throw new DiscoveryError(source, `${at}: ${issueText(issue)}`);
}

/** What went wrong while listing, as a DiscoveryError of this source. */
export function discoveryError(source: string, doing: string, cause: unknown): DiscoveryError {
  if (cause instanceof DiscoveryError) return cause;
  // Other messages may quote what was read.
  const why = cause instanceof JsonHttpError ? cause.message : 'failed';
  return new DiscoveryError(source, `${doing}: ${why}`, { cause });
}

function issueText(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'invalid_type') return `must be ${issue.expected}`;
  return issue?.code === 'custom' ? issue.message : 'is not what it should be';
}

/** Keys of foreign documents are text of strangers: only what looks like a key is shown. */
function shownKey(key: PropertyKey): string {
  return /^[\w ./@:-]{1,80}$/.test(String(key)) ? String(key) : '(unusual key)';
}
