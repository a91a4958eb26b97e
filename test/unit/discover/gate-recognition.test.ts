// Which forward-auth addresses are a gate, and which are only like one.

import { expect, test } from 'vitest';
import { recogniserOf } from '../../../src/discover/gate-recognition.ts';

const recognise = recogniserOf([
  {
    name: 'authentik',
    forwardAuth: ['http://auth-proxy.traefik.svc:9000', 'https://auth.example.com/outpost/'],
  },
  { name: 'basic', forwardAuth: ['authelia:9091/api/verify'] },
]);

test.each([
  ['http://auth-proxy.traefik.svc:9000/outpost.goauthentik.io/auth/traefik', 'authentik'],
  ['http://auth-proxy.traefik.svc.cluster.local:9000/', 'authentik'],
  ['http://auth-proxy.traefik:9000', 'authentik'],
  ['http://AUTH-PROXY.traefik.svc:9000/x?rd=1', 'authentik'],
  ['auth-proxy.traefik.svc:9000', 'authentik'],
  ['https://auth.example.com/outpost/auth/caddy', 'authentik'],
  ['https://auth.example.com:443/outpost', 'authentik'],
  ['http://authelia:9091/api/verify?rd=https://auth.example.com', 'basic'],
  ['http://authelia:9091/api/verify-other', null],
  ['https://auth.example.com/outpost2', null],
  ['http://auth.example.com/outpost/', null],
  ['http://auth-proxy.traefik.svc:9001/', null],
  ['http://auth-proxy.traefik.svc.evil.example:9000/', null],
  ['http://auth-proxy.traefik.svc:9000@evil.example/', null],
  ['http://bot-blocker.traefik.svc:9000', null],
  ['ftp://auth-proxy.traefik.svc:9000', null],
  ['', null],
  ['::', null],
])('%s is the gate %s', (address, gate) => {
  expect(recognise(address)).toBe(gate);
});
