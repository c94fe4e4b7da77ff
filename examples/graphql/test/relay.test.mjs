import { fileURLToPath } from 'node:url';

import { connect } from '../src/relay/connect.mjs';
import { story } from './story.mjs';

// Nothing but the compiled documents runs there.
const documents = new URL('../src/relay/__generated__/documents.json', import.meta.url);
story('Relay', connect, { TASKGATE_TRUSTED_DOCUMENTS: fileURLToPath(documents) });
