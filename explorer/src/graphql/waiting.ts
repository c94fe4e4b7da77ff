import { store } from '../store';

/** What is to be put into the editor, until that is there. */
export const waiting = store<{ document: string; variables: string } | undefined>(undefined);

/** Puts an operation into a tab of the editor of its own. */
export function openInEditor(document: string, variables: string): void {
  waiting.set({ document, variables });
  if (location.hash.startsWith('#rest')) location.hash = '#graphql';
}
