// Better Auth: who the users are, and the tokens that say so to taskgate.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { jwt } from 'better-auth/plugins';
import { SqliteDialect } from 'kysely';
import Database from 'libsql';

const {
  APP_URL = 'http://localhost:3000',
  AUTH_DATABASE = 'auth.db',
  BETTER_AUTH_SECRET,
  TOKEN_LIFETIME = '15m',
} = process.env;

/** Makes the tables that are missing; answers the server's `auth`. */
export async function startAuth() {
  const auth = betterAuth({
    baseURL: APP_URL,
    secret: BETTER_AUTH_SECRET ?? ownSecret(`${AUTH_DATABASE}.secret`),
    // libsql has better-sqlite3's interface, and its packages bring their binaries: nothing has to be compiled.
    database: { dialect: new SqliteDialect({ database: new Database(AUTH_DATABASE) }), type: 'sqlite' },
    emailAndPassword: { enabled: true },
    plugins: [
      // EdDSA is the default; the public keys are at /api/auth/jwks. The subject is the user's id.
      jwt({
        jwt: {
          issuer: APP_URL,
          audience: 'taskgate',
          expirationTime: TOKEN_LIFETIME,
          definePayload: () => ({}), // no name and no address: taskgate needs neither
        },
      }),
    ],
  });
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  return auth;
}

// A secret that is made once and kept for its owner alone, for those who set none.
function ownSecret(file) {
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}
