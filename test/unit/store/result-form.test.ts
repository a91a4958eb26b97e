// What of a result reaches the file (threats S1, S2): nothing of a body, of a cookie's value, or of a session's state.

import { expect, test } from 'vitest';
import type { FlowFacts } from '../../../src/model/observation.ts';
import { formFromDetail } from '../../../src/store/result-detail.ts';
import { formFromResult, shapeFromForm, timingsText } from '../../../src/store/result-form.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';

test.each(['up', 'down'] as const)(
  'a result that is %s keeps no body, cookie value, state or code',
  (verdict) => {
    const marker = 'MARKER8h3Kq0';
    const hostile = exchange({
      url: `https://user:${marker}@grafana.example.com/path?code=${marker}#${marker}`,
      headers: {
        location: `https://auth.example.com/authorize?client_id=abc&state=${marker}&nonce=${marker}&rd=${marker}&id_token=${marker}#${marker}`,
        'set-cookie': `session=${marker}`,
        authorization: marker,
        'x-forwarded-user': marker,
        'www-authenticate': marker,
      },
      setCookies: [{ name: 'session', raw: `session=${marker}; Path=/`, deletes: false, maxAgeMs: null }],
      body: `<title>${marker}</title>${marker}`,
      bodyBytes: 4096,
    });
    const form = formFromResult(probeResult({ at: 0, verdict, exchanges: [hostile, hostile] }));
    const stored = JSON.stringify([form, shapeFromForm(form).evidence, timingsText(form)]);
    expect(stored).not.toContain(marker);
    expect(form.evidence[0]).toMatchObject({
      url: 'https://grafana.example.com/path',
      setCookies: ['session'],
      bodyBytes: 4096,
    });
    expect(form.evidence[0]?.location).toContain('client_id=abc&state=…');
  },
);

test('what is kept of a flow is read back from a full row', () => {
  const flow: FlowFacts = {
    steps: [
      { name: 'open the service', durationMs: 12.4, failed: null },
      { name: 'see the login page', durationMs: 4000, failed: 'nothing came\u001b[31m' },
    ],
    end: 'page-blank',
    detail: 'not kept here: it is in the reason',
    secretsSent: false,
    clockSkewMs: 3,
    page: {
      blank: true,
      failedResources: [{ url: 'https://auth.example.com/a.js', type: 'script', status: 429, error: null }],
      consoleErrors: 2,
      pageErrors: 0,
    },
    artifacts: 'a'.repeat(32),
  };
  const result = probeResult({ at: 0, verdict: 'down' });
  const form = formFromResult({ ...result, observation: { ...result.observation, flow } });
  const read = formFromDetail(JSON.stringify(form));
  expect(read).toEqual(form);
  expect(read?.flow).toEqual({
    steps: [
      { name: 'open the service', durationMs: 12, failed: null },
      { name: 'see the login page', durationMs: 4000, failed: 'nothing came·[31m' },
    ],
    end: 'page-blank',
    page: flow.page,
    artifacts: flow.artifacts,
  });
  // Times of steps differ always: they are no part of what repeats.
  expect(shapeFromForm(form)).toEqual(shapeFromForm({ ...form, flow: { ...form.flow!, steps: [] } }));
});
