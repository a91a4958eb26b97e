// Fingerprint of a label set, byte for byte as Prometheus and Alertmanager compute it, so that other tools recognise
// our alerts. Source: prometheus/common model/signature.go, labelSetToFingerprint.

const OFFSET = 14695981039346656037n;
const PRIME = 1099511628211n;
const MASK = (1n << 64n) - 1n;
/** Stands behind every name and value; cannot occur in UTF-8. */
const SEPARATOR = 0xff;

/** FNV-1a, 64 bit, over the labels in order of their names; 16 hexadecimal digits. */
export function fingerprint(labels: Readonly<Record<string, string>>): string {
  let sum = OFFSET;
  const add = (byte: number): void => {
    sum = ((sum ^ BigInt(byte)) * PRIME) & MASK;
  };
  for (const [name, value] of sortedLabels(labels)) {
    for (const text of [name, value]) {
      for (const byte of Buffer.from(text)) add(byte);
      add(SEPARATOR);
    }
  }
  return sum.toString(16).padStart(16, '0');
}

/** Labels in byte order of their names, as Go sorts them. */
export function sortedLabels(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
