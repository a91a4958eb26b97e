// A daemon's place in a test: makes one browser visit that waits, until it is killed.

import { keepAlive } from '../../src/base/clock.ts';
import { startLoginSite } from './browser-visit.ts';

using _ = keepAlive();
const [flow = ''] = process.argv.slice(2);
const site = await startLoginSite();
await site.visit('origin', { flow });
