// A login as authentik's flow planner sees it: stages one after another, each with a challenge and an answer. No HTTP
// here. Components, fields and words: reference/authentik.md 5.

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Directory, User } from './users.ts';

/** Slugs of the two flows. */
export const AUTHENTICATION = 'default-authentication-flow';
export const AUTHORIZATION = 'default-provider-authorization-explicit-consent';
/** Wrong passwords after which a flow is over (authentik's `failed_attempts_before_cancel`). */
const MOST_FAILURES = 5;
const MAX_ANSWER_CHARS = 4096;

/** How people log in, and what goes wrong there. */
export interface LoginSetup {
  /** Name and password on one page, or on two. */
  readonly steps: 'one' | 'two';
  /** Whether users with a TOTP secret are asked for a code. */
  readonly totp: boolean;
  /** Whether each application asks the user to agree. */
  readonly consent: boolean;
  /** Whether the login ends with "Stay signed in?". */
  readonly rememberMe: boolean;
  /** A captcha comes first: no machine gets past it. */
  readonly captcha: boolean;
  readonly passwords: 'checked' | 'rejected';
  readonly codes: 'checked' | 'rejected';
  /** A policy turns everybody away, or an exception ends every flow. */
  readonly outcome: 'usual' | 'denied' | 'error';
  /** Scripts and styles of the login page: themselves, 429, or a page of HTML with status 200. */
  readonly assets: 'served' | 'throttled' | 'html';
}

/** A healthy login: name, password, code. */
export const USUAL_LOGIN: LoginSetup = {
  steps: 'two',
  totp: true,
  consent: false,
  rememberMe: false,
  captcha: false,
  passwords: 'checked',
  codes: 'checked',
  outcome: 'usual',
  assets: 'served',
};

type Stage = 'captcha' | 'identification' | 'password' | 'authenticator-validate' | 'user-login' | 'consent';

/** One run of a flow in one session. */
export interface Plan {
  readonly slug: string;
  /** Where it leads; asked at the end. */
  readonly next: () => string;
  /** Stages to come; the first one is shown. */
  readonly stages: readonly Stage[];
  /** Who is logging in; null also when nobody has the name that was given. */
  readonly user: User | null;
  /** The name as it was given. */
  readonly username: string;
  readonly failures: number;
  /** By which a consent proves to be the one that was shown. */
  readonly token: string;
}

/** Errors by field, as the executor writes them. */
export type FieldErrors = Readonly<Record<string, readonly { string: string; code: string }[]>>;

/** What an answer led to. */
export type Outcome =
  | { readonly kind: 'passed'; readonly plan: Plan }
  | { readonly kind: 'invalid'; readonly plan: Plan; readonly errors: FieldErrors }
  | { readonly kind: 'denied'; readonly message: string };

/** A login that leads to `next`. */
export function planLogin(setup: LoginSetup, next: string): Plan {
  const stages: Stage[] = ['identification', 'authenticator-validate', 'user-login'];
  if (setup.steps === 'two') stages.splice(1, 0, 'password');
  if (setup.captcha) stages.unshift('captcha');
  return { ...EMPTY_PLAN, slug: AUTHENTICATION, next: () => next, stages };
}

/** The question whether the application may know who the user is. */
export function planConsent(user: User, next: () => string): Plan {
  const token = randomBytes(16).toString('hex');
  return { ...EMPTY_PLAN, slug: AUTHORIZATION, next, stages: ['consent'], user, token };
}

const EMPTY_PLAN = { user: null, username: '', failures: 0, token: '' } as const;

/** Whether the first stage is passed without asking anybody. */
export function isSilent(plan: Plan, setup: LoginSetup): boolean {
  const [stage] = plan.stages;
  if (stage === 'authenticator-validate') return !setup.totp || plan.user?.totp === null;
  return stage === 'user-login' && !setup.rememberMe;
}

/** The plan after its first stage. */
export function passed(plan: Plan): Plan {
  return { ...plan, stages: plan.stages.slice(1) };
}

/** What the executor shows for the first stage. */
export function challengeOf(plan: Plan, setup: LoginSetup): Readonly<Record<string, unknown>> {
  const [stage] = plan.stages;
  if (stage === undefined) return { component: 'xak-flow-redirect', to: plan.next() };
  const pending = { pending_user: plan.username, pending_user_avatar: 'data:image/svg+xml,' };
  switch (stage) {
    case 'identification':
      return {
        component: 'ak-stage-identification',
        user_fields: ['email', 'username'],
        password_fields: setup.steps === 'one',
        allow_show_password: false,
        captcha_stage: null,
        primary_action: 'Log in',
        sources: [],
        show_source_labels: false,
        passkey_challenge: null,
      };
    case 'password':
      return { component: 'ak-stage-password', ...pending, allow_show_password: false, recovery_url: null };
    case 'authenticator-validate':
      return {
        component: 'ak-stage-authenticator-validate',
        ...pending,
        device_challenges: [{ device_class: 'totp', device_uid: '1', challenge: {}, last_used: null }],
        configuration_stages: [],
      };
    case 'user-login':
      return { component: 'ak-stage-user-login', ...pending };
    case 'consent':
      return {
        component: 'ak-stage-consent',
        ...pending,
        pending_user: plan.user?.username ?? '',
        header_text: "You're about to sign into this application.",
        permissions: [{ id: 'openid', name: '' }],
        additional_permissions: [],
        token: plan.token,
      };
    case 'captcha':
      return {
        component: 'ak-stage-captcha',
        ...pending,
        site_key: '10000000-ffff-ffff-ffff-000000000001',
        js_url: 'https://captcha.example/api.js',
        interactive: true,
      };
  }
}

const answerSchema = z.object({
  uid_field: z.string().max(MAX_ANSWER_CHARS).optional(),
  password: z.string().max(MAX_ANSWER_CHARS).optional(),
  code: z.string().max(MAX_ANSWER_CHARS).optional(),
  token: z.string().max(MAX_ANSWER_CHARS).optional(),
  remember_me: z.boolean().optional(),
  selected_challenge: z.unknown().optional(),
});

/** Tries an answer at the first stage. */
export function tryAnswer(
  plan: Plan,
  answer: unknown,
  { setup, directory }: { setup: LoginSetup; directory: Directory },
): Outcome {
  const { data } = answerSchema.safeParse(answer);
  if (data === undefined) return invalid(plan, 'non_field_errors', 'Invalid data.', 'invalid');
  const [stage] = plan.stages;
  if (stage === undefined) return { kind: 'passed', plan };
  switch (stage) {
    case 'identification':
      return identify(plan, data, { setup, directory });
    case 'password':
      return authenticate(plan, data.password, { setup, directory });
    case 'authenticator-validate':
      if (data.selected_challenge !== undefined && data.code === undefined) {
        return { kind: 'invalid', plan, errors: {} };
      }
      return validate(plan, data.code, { setup, directory });
    case 'user-login':
      if (data.remember_me === undefined) return required(plan, 'remember_me');
      return { kind: 'passed', plan: passed(plan) };
    case 'consent':
      if (data.token === plan.token) return { kind: 'passed', plan: passed(plan) };
      return invalid(plan, 'token', 'Invalid consent token, re-showing prompt', 'invalid');
    case 'captcha':
      return invalid(plan, 'token', 'Failed to validate token.', 'invalid');
  }
}

/** Nobody learns whether a name exists: an unknown one gets as far as the password. */
function identify(
  plan: Plan,
  data: z.infer<typeof answerSchema>,
  tools: { setup: LoginSetup; directory: Directory },
): Outcome {
  const username = data.uid_field ?? '';
  if (username === '') return required(plan, 'uid_field');
  const user = tools.directory.named(username);
  const known = { ...plan, user, username };
  if (tools.setup.steps === 'two') return { kind: 'passed', plan: passed(known) };
  if (isPassword(user, data.password ?? '', tools)) return { kind: 'passed', plan: passed(known) };
  return invalid(plan, 'non_field_errors', 'Failed to authenticate.', 'invalid');
}

function authenticate(
  plan: Plan,
  password: string | undefined,
  tools: { setup: LoginSetup; directory: Directory },
): Outcome {
  if (password === undefined) return required(plan, 'password');
  if (isPassword(plan.user, password, tools)) return { kind: 'passed', plan: passed(plan) };
  const failures = plan.failures + 1;
  if (failures >= MOST_FAILURES) return { kind: 'denied', message: 'Invalid password' };
  return invalid({ ...plan, failures }, 'password', 'Invalid password', 'invalid');
}

function validate(
  plan: Plan,
  code: string | undefined,
  { setup, directory }: { setup: LoginSetup; directory: Directory },
): Outcome {
  if (code === undefined || plan.user === null) return required(plan, 'code');
  if (setup.codes === 'checked' && directory.spendCode(plan.user, code.replaceAll(' ', ''))) {
    return { kind: 'passed', plan: passed(plan) };
  }
  const words = 'Invalid Token. Please ensure the time on your device is accurate and try again.';
  return invalid(plan, 'code', words, 'invalid');
}

function isPassword(
  user: User | null,
  password: string,
  { setup, directory }: { setup: LoginSetup; directory: Directory },
): boolean {
  return setup.passwords === 'checked' && user !== null && directory.hasPassword(user, password);
}

function required(plan: Plan, field: string): Outcome {
  return invalid(plan, field, 'This field is required.', 'required');
}

function invalid(plan: Plan, field: string, words: string, code: string): Outcome {
  return { kind: 'invalid', plan, errors: { [field]: [{ string: words, code }] } };
}
