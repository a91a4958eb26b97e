// The test's own instruments: a real Alertmanager with both groupings, and the receiver that counts. An alert that is
// sent again rings once; a second one of the same name rings again; sites are kept apart.

import { expect, it } from 'vitest';
import { GROUPINGS, startAlertmanager } from '../../support/alertmanager.ts';
import { startNotificationLedger } from '../../support/notification-ledger.ts';
import { notified } from '../../support/outage.ts';
import { waitFor } from '../../support/wait.ts';

it('notifies once for each grouping, and keeps sites apart', async () => {
  await using ledger = await startNotificationLedger();
  await using alertmanager = await startAlertmanager({ webhookUrl: ledger.url });
  const startsAt = new Date(Date.now() - 30_000).toISOString();
  const post = async (site: string, name: string, endsAt: Date): Promise<void> => {
    const labels = { alertname: 'GatewatchSharedFault', site, name };
    const response = await fetch(`${alertmanager.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ labels, annotations: { summary: `${name} fails` }, startsAt, endsAt }]),
    });
    expect(response.status).toBe(200);
  };
  const inAWhile = new Date(Date.now() + 240_000);
  const seen = (site: string): Record<string, string[]> =>
    Object.fromEntries(
      GROUPINGS.map((grouping) => [
        grouping,
        ledger.of(site, grouping).map(({ status, alerts }) => `${status} ${alerts.length}`),
      ]),
    );

  await post('one', 'cdn', inAWhile);
  await post('two', 'cdn', inAWhile);
  await notified(ledger, 'one', 'firing', 20_000);
  await notified(ledger, 'two', 'firing', 20_000);
  await post('one', 'cdn', inAWhile);
  expect(await alertmanager.alerts('one')).toMatchObject([{ labels: { site: 'one', name: 'cdn' } }]);

  await post('two', 'idp', inAWhile);
  await post('one', 'cdn', new Date());
  await notified(ledger, 'one', 'resolved', 20_000);
  await waitFor('the second alert', () => ledger.of('two', 'by-alertname').length === 2, { limitMs: 20_000 });
  expect(seen('one')).toEqual({
    'by-alertname': ['firing 1', 'resolved 1'],
    'by-all-labels': ['firing 1', 'resolved 1'],
  });
  expect(seen('two')).toEqual({
    'by-alertname': ['firing 1', 'firing 2'],
    'by-all-labels': ['firing 1', 'firing 1'],
  });
});
