import { store } from './store';

/** What a token says. Whether it is true only the service can tell. */
export type Reading =
  | { kind: 'none' }
  | { kind: 'unreadable' }
  | { kind: 'endless'; subject: string }
  | { kind: 'read'; subject: string; ends: Date };

/** In the storage of this browser tab, which nothing outlives. */
const KEPT = 'taskgate:token';

/** The token that the service has made for whoever opens the page: there is one under `taskgate dev`. */
export const offered = document.getElementById('root')?.dataset['token']?.trim() ?? '';

export const token = store(sessionStorage.getItem(KEPT) ?? offered);

/** Takes over what somebody has pasted. */
export function use(text: string): void {
  const bare = text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '');
  if (bare === offered) sessionStorage.removeItem(KEPT);
  else sessionStorage.setItem(KEPT, bare);
  token.set(bare);
}

/** The header of a call. */
export function authorization(): Record<string, string> {
  // What is no token cannot be a header either.
  return /^[\x21-\x7e]+$/.test(token.get()) ? { authorization: `Bearer ${token.get()}` } : {};
}

export function read(text: string): Reading {
  if (text === '') return { kind: 'none' };
  const claims = payload(text);
  if (!claims) return { kind: 'unreadable' };
  // Better Auth's cookie-cache tokens have no `sub`.
  const user = claims['user'] as Record<string, unknown> | undefined;
  const subject = String(claims['sub'] ?? user?.['id'] ?? 'nobody');
  const ends = claims['exp'];
  if (typeof ends !== 'number') return { kind: 'endless', subject };
  return { kind: 'read', subject, ends: new Date(ends * 1000) };
}

function payload(text: string): Record<string, unknown> | undefined {
  const parts = text.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const [, claims] = parts.slice(0, 2).map(decode);
    return claims;
  } catch {
    return undefined;
  }
}

function decode(part: string): Record<string, unknown> {
  const bytes = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('no object');
  return value as Record<string, unknown>;
}
