import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { type GraphQLSchema, buildSchema } from 'graphql';
import { useEffect, useState } from 'react';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';

import { call, isAway } from '../service';
import { useStore } from '../store';
import { fetcher } from './fetcher';
import { Opener } from './open';
import { samples } from './samples';
import { SAMPLES } from './samples-plugin';
import './workers';

const PLUGINS = [HISTORY_PLUGIN, SAMPLES];
const [FIRST] = samples;

// The editor remembers what was in it. Whoever has not used it in this browser finds a sample.
if (FIRST && !Object.keys(localStorage).some((key) => key.startsWith('graphiql:'))) {
  localStorage.setItem('graphiql:query', FIRST.document);
  localStorage.setItem('graphiql:variables', FIRST.variables);
}

export default function GraphqlView() {
  return (
    <GraphiQL
      fetcher={fetcher}
      schema={useSchema()}
      plugins={PLUGINS}
      defaultQuery=""
      defaultEditorToolsVisibility
      forcedTheme="system"
      // Headers may hold tokens, which are not to stay in the browser.
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <Opener />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

/** The schema, which needs no token; asked for again when the service comes back. */
function useSchema(): GraphQLSchema | null {
  const [schema, found] = useState<GraphQLSchema | null>(null);
  const away = useStore(isAway);
  useEffect(() => {
    if (away) return;
    call('/schema.graphql')
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(`${answer.status}`))))
      .then((text) => found(buildSchema(text)))
      // Without, the editor completes nothing; whether the service is away is told elsewhere.
      .catch(() => undefined);
  }, [away]);
  return schema;
}
