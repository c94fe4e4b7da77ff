import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';

import { store, useStore } from '../store';

/** What is to be put into the editor, until that is there. */
const waiting = store<{ document: string; variables: string } | undefined>(undefined);

/** Puts an operation into a tab of its own. */
export function openInEditor(document: string, variables: string): void {
  waiting.set({ document, variables });
  if (location.hash.startsWith('#rest')) location.hash = '#graphql';
}

/** Stands in the editor, and shows nothing. */
export function Opener() {
  const asked = useStore(waiting);
  const { addTab, updateActiveTabValues } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  useEffect(() => {
    if (!asked || !queryEditor || !variableEditor) return;
    waiting.set(undefined);
    if (queryEditor.getValue().trim() !== '') addTab();
    queryEditor.setValue(asked.document);
    variableEditor.setValue(asked.variables);
    updateActiveTabValues({ query: asked.document, variables: asked.variables });
    queryEditor.focus();
  }, [asked, queryEditor, variableEditor, addTab, updateActiveTabValues]);
  return null;
}
