import { useEffect, useId, useState } from 'react';

import { useStore } from './store';
import { Text } from './text';
import { type Reading, offered, read, token, use } from './token';

/** From when on the end of a token is worth a warning, in seconds. */
const SOON = 300;

type State = 'good' | 'soon' | 'bad';

/** The token, what it says, and what to do when it does not do. */
export function TokenField() {
  const text = useStore(token);
  const now = useNow();
  const reading = read(text);
  const { state, summary, advice } = judge(reading, now);
  const [isOpen, open] = useState(state === 'bad');
  const id = useId();
  useEffect(() => {
    if (state === 'bad') open(true);
  }, [state]);
  return (
    <details className={`token ${state}`} open={isOpen} onToggle={(event) => open(event.currentTarget.open)}>
      <summary>
        <span className="label">Token:</span> {summary}
      </summary>
      <div className="token-body">
        {/* Told when it changes; the time that is left changes all the time and is not. */}
        <p role="status">
          <Text>{advice}</Text>
        </p>
        <label htmlFor={id}>The token that calls carry, a JWT</label>
        <textarea
          id={id}
          rows={3}
          value={text}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          placeholder="eyJ…"
          onChange={(event) => use(event.target.value)}
        />
        <p className="buttons">
          {offered && text !== offered && (
            <button type="button" onClick={() => use(offered)}>
              Use the token of this server
            </button>
          )}
          <button type="button" disabled={text === ''} onClick={() => use('')}>
            Forget it
          </button>
        </p>
      </div>
    </details>
  );
}

function useNow(): Date {
  const [now, tick] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => tick(new Date()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function judge(reading: Reading, now: Date): { state: State; summary: string; advice: string } {
  const fresh = 'Paste a fresh one here: your auth server issues them, and `taskgate token --sub NAME` makes one.';
  switch (reading.kind) {
    case 'none':
      return { state: 'bad', summary: 'none', advice: `The service answers nobody without a token. ${fresh}` };
    case 'unreadable':
      return { state: 'bad', summary: 'not a JWT', advice: `This is no JWT: three parts, with dots between. ${fresh}` };
    case 'endless':
      return { state: 'bad', summary: `${reading.subject}, without an end`, advice: `The service takes only tokens that end (\`exp\`). ${fresh}` };
    case 'read': {
      const left = Math.floor((reading.ends.getTime() - now.getTime()) / 1000);
      const at = reading.ends.toLocaleString();
      const who = `Calls are made as “${reading.subject}”.`;
      if (left <= 0) return { state: 'bad', summary: `${reading.subject}, expired`, advice: `This token expired at ${at}. ${fresh}` };
      const summary = `${reading.subject}, ends in ${clock(left)}`;
      if (left <= SOON) return { state: 'soon', summary, advice: `${who} The token is about to end, at ${at}. ${fresh}` };
      return { state: 'good', summary, advice: `${who} The token ends at ${at}.` };
    }
  }
}

/** Seconds as people read them: `1:04:09`. */
function clock(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  if (days > 1) return `${days} days`;
  const two = (number: number) => String(number).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
