// The address guard as a table of literals (threats N1).

import { describe, expect, test } from 'vitest';
import { type AddressRule, addressRule, refuseAddress } from '../../../src/probe/address-guard.ts';
import { cdnPath, path } from '../../integration/probe/probe-kit.ts';

const PUBLIC: AddressRule = { local: false, configured: new Set() };
const LOCAL: AddressRule = { local: true, configured: new Set() };

/** `public` = allowed everywhere, `local` = where local addresses are, `never` = nowhere unless configured. */
const ADDRESSES: [address: string, allowed: 'public' | 'local' | 'never'][] = [
  ['1.1.1.1', 'public'],
  ['203.0.114.10', 'public'],
  ['172.15.255.255', 'public'],
  ['172.32.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.128.0.0', 'public'],
  ['2606:4700::1111', 'public'],
  ['2a01:4f8::1', 'public'],
  ['::ffff:1.1.1.1', 'public'],
  ['10.0.0.1', 'local'],
  ['10.255.255.255', 'local'],
  ['172.16.0.1', 'local'],
  ['172.31.255.255', 'local'],
  ['192.168.1.1', 'local'],
  ['127.0.0.1', 'local'],
  ['127.255.255.254', 'local'],
  ['100.64.0.1', 'local'],
  ['198.18.0.1', 'never'],
  ['::1', 'local'],
  ['fd12:3456::1', 'local'],
  ['fc00::1', 'local'],
  ['::ffff:127.0.0.1', 'local'],
  ['::ffff:7f00:1', 'local'],
  ['::ffff:10.0.0.1', 'local'],
  ['0.0.0.0', 'never'],
  ['0.1.2.3', 'never'],
  ['169.254.0.1', 'never'],
  ['169.254.169.254', 'never'],
  ['::ffff:169.254.169.254', 'never'],
  ['100.100.100.200', 'never'],
  ['168.63.129.16', 'never'],
  ['fd00:ec2::254', 'never'],
  ['fd00:ec2:0:1::1', 'never'],
  ['192.0.0.1', 'never'],
  ['192.0.2.1', 'never'],
  ['198.51.100.1', 'never'],
  ['203.0.113.1', 'never'],
  ['224.0.0.1', 'never'],
  ['239.255.255.255', 'never'],
  ['240.0.0.1', 'never'],
  ['255.255.255.255', 'never'],
  ['::', 'never'],
  ['::127.0.0.1', 'never'],
  ['::7f00:1', 'never'],
  ['::a00:1', 'never'],
  ['64:ff9b::7f00:1', 'never'],
  ['64:ff9b::1.1.1.1', 'never'],
  ['64:ff9b:1::a00:1', 'never'],
  ['2002:7f00:1::', 'never'],
  ['2002:a00:1::1', 'never'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'never'],
  ['2001:db8::1', 'never'],
  ['100::1', 'never'],
  ['fe80::1', 'never'],
  ['febf::1', 'never'],
  ['fec0::1', 'never'],
  ['ff02::1', 'never'],
  ['fe80::1%eth0', 'never'],
  ['::1%lo', 'never'],
  ['0177.0.0.1', 'never'],
  ['0x7f000001', 'never'],
  ['2130706433', 'never'],
  ['127.1', 'never'],
  ['127.0.0.1.', 'never'],
  ['1.1.1.1:443', 'never'],
  ['[::1]', 'never'],
  ['localhost', 'never'],
  ['example.com', 'never'],
  ['', 'never'],
  [' 1.1.1.1', 'never'],
  ['1.1.1.1\n', 'never'],
  ['1.1.1.256', 'never'],
  ['8.8.8.8', 'public'],
  ['223.255.255.254', 'public'],
  ['169.253.255.255', 'public'],
  ['169.255.0.0', 'public'],
  ['192.167.255.255', 'public'],
  ['::ffff:8.8.8.8', 'public'],
  ['2a00:1450:4001:80b::200e', 'public'],
  ['fdff:ffff::1', 'local'],
  ['169.254.170.2', 'never'],
  ['192.88.99.1', 'never'],
  ['198.19.255.255', 'never'],
  ['255.255.255.254', 'never'],
  ['::ffff:0:0', 'never'],
  ['::ffff:0:127.0.0.1', 'never'],
  ['::ffff:a9fe:a9fe', 'never'],
  ['64:ff9b::a9fe:a9fe', 'never'],
  ['2002:a9fe:a9fe::1', 'never'],
  ['3fff::1', 'never'],
  ['4000::1', 'never'],
  ['5f00::1', 'never'],
  ['fe80::a9fe:a9fe', 'never'],
  ['fd00:ec2::23', 'never'],
  ['0251.0376.0251.0376', 'never'],
  ['2852039166', 'never'],
  ['0xa9.0xfe.0xa9.0xfe', 'never'],
  ['169.254.43518', 'never'],
  ['１２７.0.0.1', 'never'],
  ['127.0.0.1%00', 'never'],
];

test.each(ADDRESSES)('%j is dialled: %s', (address, allowed) => {
  expect(refuseAddress(address, PUBLIC) === null).toBe(allowed === 'public');
  expect(refuseAddress(address, LOCAL) === null).toBe(allowed !== 'never');
});

describe('the rule of a path', () => {
  const origins = new Set(['169.254.7.7', '127.0.0.1']);
  const allows = (address: string, rule: AddressRule): boolean => refuseAddress(address, rule) === null;

  test('a cdn path is public, private only when it says so, and never has the addresses of origins', () => {
    expect(allows('127.0.0.1', addressRule(cdnPath(53, { private: false }), origins))).toBe(false);
    expect(allows('127.0.0.1', addressRule(cdnPath(53), origins))).toBe(true);
    expect(allows('169.254.7.7', addressRule(cdnPath(53), origins))).toBe(false);
  });

  test('an origin path dials its literal whatever it is, and no other link-local address', () => {
    const rule = addressRule(path({ host: '169.254.169.254', port: 443 }), new Set());
    expect(allows('169.254.169.254', rule)).toBe(true);
    expect(allows('169.254.169.253', rule)).toBe(false);
    expect(allows('10.0.0.1', rule)).toBe(true);
  });

  test('a control may be in the LAN', () => {
    expect(allows('192.168.0.1', addressRule(null, origins))).toBe(true);
    expect(allows('169.254.7.7', addressRule(null, origins))).toBe(false);
  });
});

test('the reason is a word for people', () => {
  expect(refuseAddress('169.254.169.254', PUBLIC)).toBe('a link-local address');
  expect(refuseAddress('10.0.0.1', PUBLIC)).toBe('a private address');
  expect(refuseAddress('100.100.100.200', LOCAL)).toBe('a metadata service');
  expect(refuseAddress('::7f00:1', PUBLIC)).toBe('not a global address');
});
