// blackbox_exporter's targets as pages. They are in the Prometheus configuration that scrapes it: jobs with a `module`
// parameter. Source: github.com/prometheus/blackbox_exporter, README, "Prometheus Configuration".

import { z } from 'zod';
import { parseDuration } from '../base/duration.ts';
import { ImportError, type Imported, type ImportedPage, type LeftOut, oneLine } from './imported.ts';
import { readYaml } from './yaml-file.ts';

/** Prometheus' own default. */
const USUAL_SECONDS = 60;

const jobSchema = z.object({
  job_name: z.string(),
  metrics_path: z.string().nullish(),
  params: z.record(z.string(), z.array(z.string())).nullish(),
  scrape_interval: z.string().nullish(),
  static_configs: z.array(z.object({ targets: z.array(z.string()) })).nullish(),
});
type Job = z.output<typeof jobSchema>;

const fileSchema = z.object({
  global: z.object({ scrape_interval: z.string().nullish() }).nullish(),
  scrape_configs: z.array(z.record(z.string(), z.unknown())).nullish(),
  modules: z.unknown().optional(),
});

/** Reads a Prometheus configuration; throws ImportError. */
export function importBlackbox(file: string): Imported {
  const config = fileSchema.safeParse(readYaml(file)).data;
  const jobs = config?.scrape_configs;
  if ((jobs === undefined || jobs === null) && config?.modules !== undefined)
    throw new ImportError(
      'has modules but no targets; give the Prometheus configuration that scrapes the exporter',
    );
  if (jobs === undefined || jobs === null)
    throw new ImportError('has no scrape_configs: it is none of Prometheus');
  const pages: ImportedPage[] = [];
  const leftOut: LeftOut[] = [];
  for (const [index, written] of jobs.entries()) {
    const parsed = jobSchema.safeParse(written);
    if (!parsed.success) {
      const place = parsed.error.issues[0]?.path.join('.') ?? '';
      throw new ImportError(`job ${index + 1}: ${place} is not what it should be`);
    }
    if (!isProbe(parsed.data)) continue;
    const seconds = secondsOf(parsed.data.scrape_interval ?? config?.global?.scrape_interval);
    const job = pagesOf(parsed.data, seconds);
    pages.push(...job.pages);
    leftOut.push(...job.leftOut, ...dynamicParts(parsed.data, written));
  }
  if (pages.length === 0 && leftOut.length === 0)
    throw new ImportError('has no job that asks a blackbox_exporter');
  return { tool: 'blackbox_exporter', pages, leftOut };
}

function isProbe({ metrics_path, params }: Job): boolean {
  return params?.['module'] !== undefined || (metrics_path?.endsWith('/probe') ?? false);
}

function secondsOf(text: string | null | undefined): number {
  const ms = parseDuration(text ?? '');
  return ms === null ? USUAL_SECONDS : ms / 1000;
}

function pagesOf(
  { job_name, params, static_configs }: Job,
  seconds: number,
): { readonly pages: readonly ImportedPage[]; readonly leftOut: readonly LeftOut[] } {
  const job = oneLine(job_name);
  const module = params?.['module']?.[0] ?? '';
  const pages: ImportedPage[] = [];
  const leftOut: LeftOut[] = [];
  for (const target of (static_configs ?? []).flatMap(({ targets }) => targets)) {
    const isUrl = /^https?:\/\//.test(target);
    const isHttp = isUrl || module.startsWith('http');
    if (!isHttp || target.includes('$')) {
      const why = isHttp
        ? 'has a variable in its URL'
        : `is asked by module ${oneLine(module)}: only pages are watched`;
      leftOut.push({ name: `${job}: ${oneLine(withoutSecrets(target))}`, why });
      continue;
    }
    pages.push({
      name: job,
      // The exporter takes http for a target without a scheme.
      url: (isUrl ? target : `http://${target}`).split('#')[0] ?? '',
      intervalSeconds: seconds,
      contains: null,
      notContains: null,
      statuses: [],
      slowMs: null,
    });
  }
  if (pages.length > 0 && module !== 'http_2xx' && module !== '')
    leftOut.push({ name: job, why: `the settings of its module ${oneLine(module)}` });
  return { pages, leftOut };
}

/** Without user, password and query. */
function withoutSecrets(target: string): string {
  return target.replace(/\?.*$/s, '').replace(/^([a-z]+:\/\/)?[^/]*@/i, '$1');
}

/** Targets that come from somewhere else, by the kind of discovery. */
function dynamicParts({ job_name }: Job, written: Readonly<Record<string, unknown>>): LeftOut[] {
  const kinds = Object.keys(written).filter((key) => /^[a-z0-9]+_sd_configs$/.test(key));
  return kinds.map((kind) => ({
    name: oneLine(job_name),
    why: `its targets of ${kind.replace(/_configs$/, '')}: see discover: in the README`,
  }));
}
