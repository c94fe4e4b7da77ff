import { fileURLToPath } from 'node:url';

import { RelayTasks } from '../src/relay/client.mjs';
import { story } from './story.mjs';

// Nothing but the compiled documents runs there.
const documents = new URL('../src/relay/__generated__/documents.json', import.meta.url);
story('Relay', RelayTasks, { TASKGATE_TRUSTED_DOCUMENTS: fileURLToPath(documents) });
