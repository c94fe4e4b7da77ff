import { Suspense, lazy, useEffect, useState, useSyncExternalStore } from 'react';

import { AWAY, isAway } from './service';
import { useStore } from './store';
import { TokenField } from './token-field';
import { RestView } from './rest/view';

/** The editor is most of the page's weight, and REST does without. */
const GraphqlView = lazy(() => import('./graphql/view'));

export function App() {
  const hash = useSyncExternalStore(onHash, () => location.hash);
  const isRest = hash.startsWith('#rest');
  const away = useStore(isAway);
  // What was opened stays as it is while the other is looked at.
  const [opened, open] = useState({ rest: isRest, graphql: !isRest });
  useEffect(() => open((before) => ({ rest: before.rest || isRest, graphql: before.graphql || !isRest })), [isRest]);
  return (
    <>
      <header>
        <h1>
          <a href="/">taskgate</a>
        </h1>
        <nav aria-label="Views">
          <a href="#graphql" aria-current={isRest ? undefined : 'page'}>
            GraphQL
          </a>
          <a href="#rest" aria-current={isRest ? 'page' : undefined}>
            REST beside GraphQL
          </a>
        </nav>
        <TokenField />
      </header>
      <div role="alert">{away && <p className="away">{AWAY} This page goes on by itself when it is back.</p>}</div>
      <main hidden={isRest} className="graphql">
        {opened.graphql && (
          <Suspense fallback={<p className="waiting">The editor is loading.</p>}>
            <GraphqlView />
          </Suspense>
        )}
      </main>
      <main hidden={!isRest} className="rest">
        {opened.rest && <RestView link={hash} />}
      </main>
    </>
  );
}

function onHash(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
