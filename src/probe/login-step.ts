// One step of a login by authentik's flow executor: a challenge comes in, what to do about it goes out. Pure; the walk
// around it is login.ts. Source: reference/authentik.md 5 (authentik/stages/*/stage.py, flows/challenge.py).

import { z } from 'zod';
import type { FlowEnd } from '../model/observation.ts';

/** Text fields that decide something; everything else of a challenge is not looked at. */
const challengeSchema = z.looseObject({
  component: z.string().regex(/^[a-z][a-z0-9-]{0,80}$/),
  response_errors: z.record(z.string(), z.unknown()).nullish(),
  password_fields: z.boolean().nullish(),
  captcha_stage: z.unknown().optional(),
  device_challenges: z.array(z.looseObject({ device_class: z.string() })).nullish(),
  token: z.string().max(4_096).nullish(),
  to: z.string().max(8_192).nullish(),
});
export type Challenge = z.output<typeof challengeSchema>;

/** The challenge in an answer of the executor; null when it is none. */
export function readChallenge(body: string): Challenge | null {
  try {
    const parsed = challengeSchema.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** What an account can answer with. */
export interface Answers {
  readonly username: string;
  readonly hasTotp: boolean;
}

/**
 * answer    post `fields`, and what `typed` names: the password, or a one-time code
 * redirect  the flow is done, and goes on at `to`
 * end       there is nothing to do any more
 */
export type Move =
  | {
      readonly kind: 'answer';
      /** Name of the step. */
      readonly step: string;
      readonly fields: Readonly<Record<string, string | boolean>>;
      readonly typed: 'password' | 'code' | null;
    }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'end'; readonly end: FlowEnd; readonly detail: string };

/** Stages that want a person, in our words; any other that is not known says so. */
const HUMAN: Readonly<Record<string, string>> = {
  'ak-stage-captcha': 'the login asks for a captcha',
  'ak-stage-prompt': 'the login asks to fill in a form',
  'ak-stage-email': 'the login waits for a link in a mail',
  'ak-stage-authenticator-totp': 'the login wants a second factor to be set up',
  'ak-stage-authenticator-static': 'the login wants recovery codes to be set up',
  'ak-stage-authenticator-webauthn': 'the login wants a security key to be set up',
  'ak-stage-authenticator-email': 'the login wants a mail address to be set up as second factor',
  'ak-stage-authenticator-sms': 'the login wants a telephone to be set up as second factor',
  'ak-stage-authenticator-duo': 'the login wants Duo to be set up',
};

/** What to do about a challenge. */
export function nextMove(challenge: Challenge, answers: Answers): Move {
  const { component } = challenge;
  if (Object.keys(challenge.response_errors ?? {}).length > 0) return refused(component);
  switch (component) {
    case 'ak-stage-identification':
      return identify(challenge, answers);
    case 'ak-stage-password':
      return { kind: 'answer', step: 'password', fields: { component }, typed: 'password' };
    case 'ak-stage-authenticator-validate':
      return secondFactor(challenge, answers);
    case 'ak-stage-consent':
      return {
        kind: 'answer',
        step: 'consent',
        fields: { component, ...(challenge.token == null ? {} : { token: challenge.token }) },
        typed: null,
      };
    case 'ak-stage-user-login':
      return { kind: 'answer', step: 'remember me', fields: { component, remember_me: false }, typed: null };
    case 'xak-flow-redirect':
      return challenge.to == null
        ? { kind: 'end', end: 'flow-error', detail: 'the login ends in a redirect to nowhere' }
        : { kind: 'redirect', to: challenge.to };
    case 'ak-stage-access-denied':
      return { kind: 'end', end: 'denied', detail: 'the identity provider denies the login' };
    case 'ak-stage-flow-error':
      return { kind: 'end', end: 'flow-error', detail: 'the login flow fails on the server' };
    default:
      return human(HUMAN[component] ?? 'the login has a step that no program knows');
  }
}

/** Errors come with status 200: the stage again, with `response_errors`. */
function refused(component: string): Move {
  switch (component) {
    case 'ak-stage-identification':
    case 'ak-stage-password':
      return { kind: 'end', end: 'rejected', detail: 'the user name or the password is refused' };
    case 'ak-stage-authenticator-validate':
      return { kind: 'end', end: 'rejected', detail: 'the one-time code is refused' };
    default:
      return { kind: 'end', end: 'flow-error', detail: 'the login does not take the answer to a step' };
  }
}

function identify(challenge: Challenge, { username }: Answers): Move {
  if (challenge.captcha_stage != null) return human('the login asks for a captcha');
  return {
    kind: 'answer',
    step: 'identification',
    fields: { component: challenge.component, uid_field: username },
    typed: challenge.password_fields === true ? 'password' : null,
  };
}

function secondFactor(challenge: Challenge, { hasTotp }: Answers): Move {
  const devices = (challenge.device_challenges ?? []).map((one) => one.device_class);
  if (!hasTotp) return human('the login asks for a second factor, and the account has no TOTP secret here');
  if (!devices.includes('totp')) return human('the login asks for a second factor that is not TOTP');
  return { kind: 'answer', step: 'code', fields: { component: challenge.component }, typed: 'code' };
}

function human(detail: string): Move {
  return { kind: 'end', end: 'needs-human', detail };
}
