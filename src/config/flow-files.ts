// Flows by name or file, looked up once: a visit must not be the first to notice that a file was never there.

import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readRegularFile } from '../base/regular-file.ts';
import { shippedFlow, shippedFlows } from '../probe/browser/shipped-flows.ts';
import type { BrowserRules } from '../schedule/options.ts';
import type { References } from './expand.ts';
import type { Finding } from './problem.ts';
import type { Sections } from './sections.ts';
import { didYouMean } from './similar.ts';

/** URL of the file of a flow; '' with a finding. */
type FlowUrl = (written: string, path: Finding['path']) => string;

/** Rules and targets with the URLs of their flows in the place of what is written. */
export function withFlowFiles(
  sections: Sections,
  references: References,
  findings: Finding[],
): { browser: BrowserRules | null; flowOf: (index: number) => string | null } {
  const url: FlowUrl = (written, path) => {
    const found = flowFile(written, references);
    if ('url' in found) return found.url;
    findings.push({ path, message: found.problem });
    return '';
  };
  const rules = sections.checks?.browser ?? null;
  const browser = rules === null ? null : { ...rules, flow: url(rules.flow, ['checks', 'browser', 'flow']) };
  const own = new Map(
    sections.targets.flatMap(({ index, option }) =>
      option.flow === undefined ? [] : [[index, url(option.flow, ['targets', index, 'flow'])] as const],
    ),
  );
  return { browser, flowOf: (index) => own.get(index) ?? null };
}

/** A flow is code that runs with our rights: who may write the file decides what it does (threats F9). */
function flowFile(written: string, references: References): { url: string } | { problem: string } {
  const shipped = shippedFlow(written);
  if (shipped !== null) return { url: shipped };
  if (!/[/\\]|\.[cm]?[jt]s$/.test(written))
    return { problem: `no such flow${didYouMean(written, shippedFlows())}` };
  const path = isAbsolute(written) ? written : resolve(references.folder, written);
  references.files.add(path);
  const read = readRegularFile(path, 1);
  if ('why' in read) return { problem: `names a file that cannot be read (${read.why})` };
  if ((read.status.mode & 0o002) !== 0) return { problem: 'can be written by everybody; chmod o-w it' };
  return { url: pathToFileURL(path).href };
}
