import { store } from './store';

/** What a caller is told while nobody answers. */
export const AWAY = 'The service does not answer. Is it still running?';

/** How often the page asks whether the service is back, in milliseconds. */
const AGAIN = 2000;

/** Whether the last call was answered by nobody. */
export const isAway = store(false);

/** Calls the service. Rejects with a sentence for people when nobody answers. */
export async function call(path: string, init?: RequestInit): Promise<Response> {
  try {
    const answer = await fetch(path, init);
    isAway.set(false);
    return answer;
  } catch (cause) {
    if (init?.signal?.aborted) throw cause;
    lost();
    throw new Error(AWAY, { cause });
  }
}

/** Asks until the service is back. */
export function lost(): void {
  if (isAway.get()) return;
  isAway.set(true);
  const timer = setInterval(async () => {
    if (isAway.get()) await fetch('/livez').then(() => isAway.set(false), () => undefined);
    if (!isAway.get()) clearInterval(timer);
  }, AGAIN);
}

/** What an answer says in JSON, or what it is if it says nothing. */
export async function json(answer: Response): Promise<unknown> {
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The service answered ${answer.status} without JSON. Is there something else in between?`);
  }
}
