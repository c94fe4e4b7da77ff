// The page and its files as the program carries them: content hashes in their names, gzipped once.
import { gzipSync } from 'node:zlib';

import { licences } from './licences.js';

// Replaces each file by its gzipped form.
const gzip = {
  name: 'gzip',
  enforce: 'post',
  generateBundle(_, bundle) {
    for (const [name, file] of Object.entries(bundle)) {
      if (!name.startsWith('assets/')) continue;
      const source = gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 });
      delete bundle[name];
      this.emitFile({ type: 'asset', fileName: `${name}.gz`, source });
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
