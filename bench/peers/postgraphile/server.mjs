// Tasks by PostGraphile, as its guide says: row-level security by the claims of the token, which its own preset verifies.
// Environment: DATABASE_URL (of a role that row-level security holds for), BETTER_AUTH_SECRET, PORT.
import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { PgLazyJWTPreset } from 'postgraphile/presets/lazy-jwt';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';

const preset = {
  extends: [PostGraphileAmberPreset, PgLazyJWTPreset],
  pgServices: [makePgService({ connectionString: process.env.DATABASE_URL, schemas: ['public'] })],
  grafserv: {
    pgJwtSecret: process.env.BETTER_AUTH_SECRET,
    pgJwtVerifyOptions: { algorithms: ['HS256'], audience: undefined },
    graphiql: false,
  },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), '127.0.0.1');
