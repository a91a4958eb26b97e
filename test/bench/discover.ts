// What a list of a large cluster costs: 5,000 Ingresses, half of them with a pathname of their own.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority } from '../../src/demo/certificates.ts';
import { Cluster, type Document, recordedCluster } from '../support/cluster.ts';
import { START_FLAGS } from '../support/start-flags.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type Row, row } from './row.ts';

const INGRESSES = 5_000;
const MOST_CPU_SECONDS = 2;
const MOST_MIB = 60;
const CHILD = join(import.meta.dirname, '../support/child-discover.ts');

/** Rows about discovery; takes a few seconds. */
export async function measureDiscovery(): Promise<Row[]> {
  const collections = recordedCluster('kubernetes-traefik-3.json');
  const list = collections['/apis/networking.k8s.io/v1/ingresses'];
  const [model] = list?.items ?? [];
  if (list === undefined || model === undefined) throw new Error('the recorded cluster has no Ingress');
  list.items = Array.from({ length: INGRESSES }, (_, index) => ingress(model, index));
  const authority = await createAuthority();
  await using cluster = new Cluster(collections, await authority.issue(['localhost']));
  cluster.pageSize = 500;
  const url = await cluster.listen();
  await using folder = await tempFolder('bench-discover');
  await writeFile(join(folder.path, 'token'), 'first');
  await writeFile(join(folder.path, 'ca.crt'), authority.certificatePem);
  const { stdout } = await promisify(execFile)(process.execPath, [...START_FLAGS, CHILD, url, folder.path]);
  const { found, cpuSeconds, bytes } = JSON.parse(stdout);
  if (found < INGRESSES) throw new Error(`found ${found} of ${INGRESSES}`);
  return [
    row(`list of ${INGRESSES} Ingresses, CPU`, cpuSeconds, 's', MOST_CPU_SECONDS),
    row('the same, memory at its peak', bytes / 2 ** 20, 'MiB', MOST_MIB),
  ];
}

function ingress(model: Document, index: number): Document {
  const paths = index % 2 === 0 ? ['/'] : ['/', '/hooks'];
  return {
    ...model,
    metadata: { ...model.metadata, name: `app-${index}`, namespace: `team-${index % 50}` },
    spec: {
      ingressClassName: 'traefik',
      rules: [
        {
          host: `app-${index}.example.com`,
          http: {
            paths: paths.map((path) => ({
              path,
              pathType: 'Prefix',
              backend: { service: { name: 'app', port: { number: 80 } } },
            })),
          },
        },
      ],
    },
  };
}
