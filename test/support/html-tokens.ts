// A tiny reader of HTML, as strict as a test needs: what tags and attributes a browser would see in a page. It knows
// the states that matter for escaping (HTML standard 13.2.5): data, tag, quoted and unquoted values.

export interface Tag {
  readonly name: string;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** All start tags, in order. Throws where `<` begins nothing, or an attribute is not quoted. */
export function tagsOf(html: string): Tag[] {
  const tags: Tag[] = [];
  for (let at = html.indexOf('<'); at >= 0; at = html.indexOf('<', at)) {
    const end = /^<(?:!doctype html>|\/[a-z][a-z0-9-]*>)/i.exec(html.slice(at, at + 40));
    if (end !== null) {
      at += end[0].length;
      continue;
    }
    const [tag, length] = tagAt(html, at);
    tags.push(tag);
    at += length;
  }
  return tags;
}

function tagAt(html: string, at: number): [Tag, number] {
  const start = /^<([a-z][a-z0-9-]*)/i.exec(html.slice(at, at + 60));
  if (start === null) throw new Error(`stray < in ${JSON.stringify(html.slice(at, at + 60))}`);
  const attributes: { name: string; value: string }[] = [];
  let next = at + start[0].length;
  for (;;) {
    const close = /^\s*\/?>/.exec(html.slice(next, next + 20));
    if (close !== null) return [{ name: start[1] ?? '', attributes }, next + close[0].length - at];
    const name = /^\s+([^\s"'<>/=]+)(=")?/.exec(html.slice(next, next + 200));
    if (name === null) throw new Error(`no attribute: ${JSON.stringify(html.slice(next, next + 60))}`);
    next += name[0].length;
    const until = name[2] === undefined ? next : html.indexOf('"', next);
    attributes.push({ name: name[1] ?? '', value: decoded(html.slice(next, until)) });
    next = name[2] === undefined ? next : until + 1;
  }
}

function decoded(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '');
}
