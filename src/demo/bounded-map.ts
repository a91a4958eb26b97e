// A map that forgets its oldest entries: what the demo keeps for visitors may not grow with their number.

/** Adds an entry as the newest; the oldest one goes when there are more than `most`. */
export function remember<K, V>(map: Map<K, V>, key: K, value: V, most: number = 10_000): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
