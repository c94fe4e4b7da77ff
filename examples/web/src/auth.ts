import { jwtClient } from 'better-auth/client/plugins';
import { createAuthClient } from 'better-auth/react';

/** The auth server, which is where the app comes from. */
export const auth = createAuthClient({ plugins: [jwtClient()] });

/** A new token of the session. */
export async function freshToken(): Promise<string> {
  const { data, error } = await auth.token();
  if (!error) return data.token;
  // The session is over: whoever uses it reads it again, and the form to sign in takes the place of the tasks.
  if (error.status === 401) auth.$store.notify('$sessionSignal');
  throw new Error(error.message ?? 'The auth server cannot be reached.');
}
