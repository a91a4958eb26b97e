// A real Prometheus scrapes the running daemon: promtool likes the page, and what dashboards and rules are written
// against can be asked for.

import { expect, it } from 'vitest';
import { startAlertmanager } from '../support/alertmanager.ts';
import { startDaemon } from '../support/daemon.ts';
import { startNotificationLedger } from '../support/notification-ledger.ts';
import { PROTECTED_HOSTS, startOutageSite } from '../support/outage-site.ts';
import { checkMetrics, startPrometheus } from '../support/prometheus.ts';
import { waitFor } from '../support/wait.ts';

it('shows checks and incidents to a real Prometheus', { timeout: 300_000 }, async () => {
  await using ledger = await startNotificationLedger();
  await using alertmanager = await startAlertmanager({ webhookUrl: ledger.url });
  await using site = await startOutageSite({ origin: 'caddy' });
  await using daemon = await startDaemon({ site, name: 'prometheus', alertmanagerUrl: alertmanager.url });
  await daemon.healthy();
  await using prometheus = await startPrometheus({ scrape: new URL(daemon.url).host });

  expect(await checkMetrics(await daemon.metrics())).toEqual({ code: 0, said: '' });

  // Ten targets over two paths: a return visit to each of the eight behind the login, a fresh one to all.
  const targets = PROTECTED_HOSTS.length + site.publicUrls.length;
  const up = await waitFor('Prometheus to have scraped', async () => {
    const samples = await prometheus.query('gatewatch_check_up == 1');
    return samples.length > 0 ? samples : null;
  });
  const labels = up.map(({ metric }) => `${metric['visit']}:${metric['path']}:${metric['target']}`);
  expect(labels).toContain(`fresh:cdn:${PROTECTED_HOSTS[0]}:${site.port}`);
  expect(labels).toContain(`return:origin:${PROTECTED_HOSTS[0]}:${site.port}`);
  expect(new Set(labels).size).toBe(2 * (targets + PROTECTED_HOSTS.length));
  expect(await prometheus.query('gatewatch_incident_active == 1')).toEqual([]);
  await waitFor('the rate of probes to be known', async () => {
    const [rate] = await prometheus.query('sum(rate(gatewatch_probes_total[30s]))');
    return rate !== undefined && rate.value > 1;
  });

  await site.levers.cdnDead(true);
  await waitFor(
    'the incident to be seen by Prometheus',
    async () => {
      const active = await prometheus.query('gatewatch_incident_active == 1');
      return active.some(({ metric }) => metric['component'] === 'cdn' && metric['name'] === 'cdn');
    },
    { limitMs: 120_000, everyMs: 1_000 },
  );
  const active = await prometheus.query('gatewatch_incident_active > 0');
  expect(active.map(({ metric, value }) => [metric['component'], metric['name'], value])).toEqual([
    ['cdn', 'cdn', 1],
  ]);
  const down = await prometheus.query('count by (path) (gatewatch_check_up == 0)');
  expect(down.map(({ metric }) => metric['path'])).toEqual(['cdn']);
  expect(await checkMetrics(await daemon.metrics())).toEqual({ code: 0, said: '' });
});
