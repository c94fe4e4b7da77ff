import { toNodeHandler } from 'better-auth/node';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

import { startAuth } from './server/auth.mjs';

// While you develop, Vite's server is the auth server too: one address, as it is when the app is built.
const auth: Plugin = {
  name: 'better-auth',
  apply: 'serve',
  async configureServer({ middlewares }) {
    const handle = toNodeHandler(await startAuth());
    middlewares.use((request, response, next) =>
      request.url?.startsWith('/api/auth/') ? void handle(request, response) : next(),
    );
  },
};

export default defineConfig({
  plugins: [react(), auth],
  server: { port: 3000, strictPort: true },
});
