// Components: the shared things that checks run through, and what an incident may blame (DESIGN 5).

/** The component types gatewatch itself knows. A label named under `shared:` is a type of its own. */
export const COMPONENT_TYPES = [
  'vantage',
  'resolver',
  'dns',
  'certificate',
  'cdn',
  'origin',
  'gate',
  'gate-sessions',
  'idp',
  'host',
  'target',
] as const;

/** `${type}:${name}`, for example `gate-sessions:embedded` or `certificate:*.example.com@cdn`. */
export type ComponentId = string & { readonly __brand: 'ComponentId' };

/** One shared thing. `type` is the alert label `component`, `name` the label `name`. */
export interface Component {
  readonly id: ComponentId;
  /** One of COMPONENT_TYPES, or a label named under `shared:`. */
  readonly type: string;
  readonly name: string;
}

/** Component of that type and name; the id is derived. */
export function component(type: string, name: string): Component {
  return { id: `${type}:${name}` as ComponentId, type, name };
}

/** Component of an id as stored; everything behind the first colon is the name. */
export function componentFromId(id: string): Component {
  const colon = id.indexOf(':');
  return component(id.slice(0, colon), id.slice(colon + 1));
}
