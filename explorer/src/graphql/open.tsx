import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';

import { useStore } from '../store';
import { waiting } from './waiting';

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
