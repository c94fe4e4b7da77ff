import { follow } from '../graphql/live';
import { call } from '../service';
import { authorization } from '../token';
import type { Operation } from './explain';
import { type Filled, headers, target } from './filled';

/** What came so far on both doors. */
export interface Streams {
  rest: string;
  graphql: string;
  isOpen: boolean;
}

/** Follows a call whose answer does not end, and its operation beside it, until the answer is called. */
export function open(filled: Filled, operation: Operation, tell: (streams: Streams) => void): () => void {
  const streams: Streams = { rest: '', graphql: '', isOpen: true };
  const add = (door: 'rest' | 'graphql', text: string) => {
    streams[door] += text;
    tell({ ...streams });
  };
  const aborted = new AbortController();
  void read(filled, aborted.signal, (text) => add('rest', text));
  const stop = follow({ query: operation.document, variables: operation.variables }, {}, {
    next: (answer) => add('graphql', `${JSON.stringify(answer, null, 2)}\n`),
    done: (why) => add('graphql', `${why ?? 'The subscription is over.'}\n`),
  });
  add('rest', '');
  return () => {
    aborted.abort();
    stop();
    streams.isOpen = false;
    tell({ ...streams });
  };
}

async function read(filled: Filled, signal: AbortSignal, add: (text: string) => void): Promise<void> {
  try {
    const answer = await call(target(filled), { headers: { ...headers(filled), ...authorization() }, signal });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) add(read.value);
    add('\nThe stream is over.\n');
  } catch (error) {
    if (!signal.aborted) add(`\n${(error as Error).message}\n`);
  }
}
