// The built app and its auth server, at one address: `npm run build && npm start`.
import { createServer } from 'node:http';

import { toNodeHandler } from 'better-auth/node';
import sirv from 'sirv';

import { startAuth } from './auth.mjs';

const { HOST = 'localhost', PORT = '3000' } = process.env;

const auth = toNodeHandler(await startAuth());
const files = sirv('dist', { single: true });
const server = createServer((request, response) =>
  request.url.startsWith('/api/auth/') ? auth(request, response) : files(request, response),
);
server.listen(Number(PORT), HOST, () => console.log(`http://${HOST}:${PORT}`));
