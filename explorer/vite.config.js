// The page and its files as the program carries them: content hashes in their names, gzipped once.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { licences } from './licences.js';

// Replaces each file by its gzipped form, once it is final.
const gzip = {
  name: 'gzip',
  writeBundle({ dir }) {
    for (const name of readdirSync(join(dir, 'assets'))) {
      const path = join(dir, 'assets', name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      rmSync(path);
    }
  },
};

const { collect, write } = licences();

export default {
  base: '/graphiql/',
  plugins: [collect, write, gzip],
  worker: { format: 'es', plugins: () => [collect] },
  build: {
    // A file that keeps the folder in the repository stays in it.
    emptyOutDir: false,
    target: 'es2022',
    chunkSizeWarningLimit: 4000,
    reportCompressedSize: false,
  },
};
