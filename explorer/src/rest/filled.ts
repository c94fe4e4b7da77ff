import type { Parameter, RestCall } from './catalog';

/** A call with what somebody filled in. */
export interface Filled {
  call: RestCall;
  /** The parameters that are given, by [`key`]. */
  values: Record<string, string>;
  body: string;
}

export const key = (parameter: Parameter): string => `${parameter.in}:${parameter.name}`;

/** A call as it is before anybody has filled in anything, but for what it cannot do without. */
export function blank(call: RestCall): Filled {
  const required = call.parameters.filter((parameter) => parameter.required);
  const values = Object.fromEntries(required.map((one) => [key(one), one.in === 'path' ? '1' : '0']));
  return { call, values, body: call.bodies[0] ? JSON.stringify(call.bodies[0][1], null, 2) : '' };
}

/** Path and query as they are sent. */
export function target({ call, values }: Filled): string {
  const path = call.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[`path:${name}`] ?? ''));
  const query = new URLSearchParams();
  for (const parameter of call.parameters) {
    const value = values[key(parameter)];
    if (parameter.in === 'query' && value) query.set(parameter.name, value);
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

/** The headers that were filled in, and the type of the body if there is one. */
export function headers({ call, values, body }: Filled): Record<string, string> {
  const given: Record<string, string> = body.trim() ? { 'content-type': 'application/json' } : {};
  for (const parameter of call.parameters) {
    const value = values[key(parameter)];
    if (parameter.in === 'header' && value) given[parameter.name] = value;
  }
  return given;
}

/** The address of the view of a call: what `Link` leads to. */
export const link = (filled: Filled): string => `#rest=${encodeURIComponent(`${filled.call.method} ${target(filled)}`)}`;

/** The call that an address of the view means, if it is one. */
export function follow(hash: string, calls: RestCall[]): Filled | undefined {
  const [, text] = /^#rest=(.+)$/.exec(hash) ?? [];
  if (!text) return undefined;
  let meant: string;
  try {
    meant = decodeURIComponent(text);
  } catch {
    return undefined;
  }
  const named = calls.find((call) => call.id === meant);
  if (named) return blank(named);
  const [method, rest = ''] = meant.split(' ');
  const [path = '', query] = rest.split('?');
  for (const call of [...calls].sort((a, b) => parameters(a) - parameters(b))) {
    const match = call.method === method && pattern(call.path).exec(path);
    if (!match) continue;
    const filled = blank(call);
    for (const [name, value] of Object.entries(match.groups ?? {})) filled.values[`path:${name}`] = decodeURIComponent(value);
    for (const [name, value] of new URLSearchParams(query)) filled.values[`query:${name}`] = value;
    return filled;
  }
  return undefined;
}

const parameters = (call: RestCall): number => call.path.split('{').length;
const pattern = (path: string): RegExp => new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`);
