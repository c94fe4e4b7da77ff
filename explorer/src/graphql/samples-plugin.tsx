import type { GraphiQLPlugin } from '@graphiql/react';

import { openInEditor } from './waiting';
import { type Sample, samples } from './samples';

const KINDS: [Sample['kind'], string][] = [
  ['query', 'Queries'],
  ['mutation', 'Mutations'],
  ['subscription', 'Subscriptions'],
];

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M4 5h16M4 10h10M4 15h13M4 20h7" strokeLinecap="round" />
    </svg>
  );
}

function Content() {
  return (
    <div className="samples">
      <h2>Samples</h2>
      <p>Each opens in a tab of its own. Nothing runs before you say so.</p>
      {KINDS.map(([kind, title]) => (
        <section key={kind}>
          <h3>{title}</h3>
          <ul>
            {samples
              .filter((sample) => sample.kind === kind)
              .map((sample) => (
                <li key={sample.title}>
                  <button type="button" onClick={() => openInEditor(sample.document, sample.variables)}>
                    {sample.title}
                  </button>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

export const SAMPLES: GraphiQLPlugin = { title: 'Samples', icon: Icon, content: Content };
