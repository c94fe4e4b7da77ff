import { useEffect, useId, useRef, useState } from 'react';

import { isAway } from '../service';
import { useStore } from '../store';
import { Text } from '../text';
import { Answers, Operations, RestAnswer, StreamAnswers } from './answers';
import { type RestCall, load } from './catalog';
import { type Explained, explain } from './explain';
import { type Filled, blank, follow, link } from './filled';
import { Form } from './form';
import { type Streams, open } from './stream';

/** How long after a key stroke the service is asked what would run, in milliseconds. */
const PAUSE = 200;

/** A call of REST, the operation that runs for it, and both answers. */
export function RestView({ link: hash }: { link: string }) {
  const [calls, found] = useState<RestCall[]>([]);
  const [filled, fill] = useState<Filled>();
  const [trouble, tell] = useState('');
  const away = useStore(isAway);
  useEffect(() => {
    if (!away && calls.length === 0) load().then(found, (error: Error) => tell(error.message));
  }, [away, calls.length]);
  // A link counts when it is followed, not again with each key stroke.
  const followed = useRef('');
  useEffect(() => {
    if (calls.length === 0 || !hash.startsWith('#rest') || hash === followed.current) return;
    followed.current = hash;
    const meant = follow(hash, calls);
    tell(meant || hash === '#rest' ? '' : 'The link leads to no call of this service; here are those that there are.');
    fill((before) => meant ?? before ?? (calls[0] && blank(calls[0])));
  }, [hash, calls]);
  const change = (next: Filled) => {
    fill(next);
    tell('');
    followed.current = link(next);
    history.replaceState(null, '', followed.current);
  };
  return (
    <>
      {trouble && <p role="alert">{trouble}</p>}
      {filled ? <Call key={filled.call.id} calls={calls} filled={filled} change={change} /> : <p>The calls are loading.</p>}
    </>
  );
}

function Call({ calls, filled, change }: { calls: RestCall[]; filled: Filled; change(filled: Filled): void }) {
  const { call } = filled;
  const [looked, trouble] = useLook(filled);
  const [answer, send] = useAnswer(filled, looked);
  const id = useId();
  const pick = (name: string) => {
    const picked = calls.find((one) => one.id === name);
    if (picked) change(blank(picked));
  };
  return (
    <div className="call">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <div className="field">
          <label htmlFor={id}>Call</label>
          <select id={id} value={call.id} onChange={(event) => pick(event.target.value)}>
            {calls.map((one) => (
              <option key={one.id} value={one.id}>{`${one.method} ${one.path} – ${one.title}`}</option>
            ))}
          </select>
          {call.description && <p className="dim"><Text>{call.description}</Text></p>}
        </div>
        <Form filled={filled} change={change} />
        <button className="main" type="submit">
          {answer.streams?.isOpen ? 'Stop' : call.isStream ? 'Follow' : call.method === 'GET' ? 'Send' : 'Send, and change it'}
        </button>
      </form>
      <section className="runs" aria-label="What runs for it">
        <h2>What runs for it</h2>
        {trouble && <p role="alert">{trouble}</p>}
        {looked && <Operations operations={looked.operations} />}
        {looked?.answer && (
          <>
            <p>Nothing: REST refuses the call as it is.</p>
            <RestAnswer answer={looked.answer} />
          </>
        )}
      </section>
      {(answer.explained || answer.streams || answer.trouble) && (
        <section className="answers" aria-label="Both answers">
          <h2>Both answers</h2>
          {answer.trouble && <p role="alert">{answer.trouble}</p>}
          {answer.explained && <Answers explained={answer.explained} />}
          {answer.streams && <StreamAnswers streams={answer.streams} />}
        </section>
      )}
    </div>
  );
}

/** What would run for a call as it is filled in now. */
function useLook(filled: Filled): [Explained | undefined, string] {
  const [looked, found] = useState<Explained>();
  const [trouble, tell] = useState('');
  const away = useStore(isAway);
  useEffect(() => {
    if (away) return;
    const aborted = new AbortController();
    const ask = () =>
      explain(filled, false, aborted.signal).then(
        (explained) => (found(explained), tell('')),
        (error: Error) => aborted.signal.aborted || tell(error.message),
      );
    const timer = setTimeout(ask, PAUSE);
    return () => {
      clearTimeout(timer);
      aborted.abort();
    };
  }, [filled, away]);
  return [looked, trouble];
}

interface Given {
  explained?: Explained;
  streams?: Streams;
  trouble?: string;
}

/** What came of the call, and what sends it; for one that does not end, sending again ends it. */
function useAnswer(filled: Filled, looked: Explained | undefined): [Given, () => void] {
  const [given, give] = useState<Given>({});
  const stop = useRef<(() => void) | undefined>(undefined);
  useEffect(() => () => stop.current?.(), []);
  const send = () => {
    const operation = looked?.operations[0];
    if (stop.current) {
      stop.current();
      stop.current = undefined;
    } else if (filled.call.isStream && operation) {
      stop.current = open(filled, operation, (streams) => give({ streams }));
    } else {
      explain(filled, true).then(
        (explained) => give({ explained }),
        (error: Error) => give({ trouble: error.message }),
      );
    }
  };
  return [given, send];
}
