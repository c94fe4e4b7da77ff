import { openInEditor } from '../graphql/waiting';
import type { Answer, Explained, Operation } from './explain';
import type { Streams } from './stream';

/** What runs for a call: documents and variables. */
export function Operations({ operations }: { operations: Operation[] }) {
  return operations.map((operation, index) => (
    <article key={index} className="operation" aria-label={`The operation ${operation.name}`}>
      <pre className="document">{operation.document.trim()}</pre>
      <h4>Variables</h4>
      <pre className="variables">{pretty(operation.variables)}</pre>
      <button type="button" onClick={() => openInEditor(operation.document.trim(), pretty(operation.variables))}>
        Open in GraphiQL
      </button>
    </article>
  ));
}

/** Both answers, side by side where there is room. */
export function Answers({ explained }: { explained: Explained }) {
  const ran = explained.operations.filter((operation) => operation.answer !== null);
  return (
    <div className="pair" aria-live="polite">
      <section aria-label="REST's answer">
        <h3>REST</h3>
        {explained.answer && <RestAnswer answer={explained.answer} />}
      </section>
      <section aria-label="GraphQL's answer">
        <h3>GraphQL</h3>
        {ran.length === 0 && <p>No operation ran: the call was refused before.</p>}
        {ran.map((operation, index) => (
          <pre key={index}>{pretty(operation.answer)}</pre>
        ))}
      </section>
    </div>
  );
}

export function RestAnswer({ answer }: { answer: Answer }) {
  return (
    <>
      <p className={answer.status < 400 ? 'good status' : 'bad status'}>{answer.status}</p>
      <pre>{readable(answer.body) || 'No body.'}</pre>
      <details>
        <summary>Headers</summary>
        <pre>{answer.headers.map(([name, value]) => `${name}: ${value}`).join('\n')}</pre>
      </details>
    </>
  );
}

/** The same for what does not end. */
export function StreamAnswers({ streams }: { streams: Streams }) {
  const waiting = streams.isOpen ? 'Nothing has changed yet.' : 'Nothing came.';
  return (
    <div className="pair">
      <section aria-label="REST's answer">
        <h3>REST</h3>
        <pre>{streams.rest || waiting}</pre>
      </section>
      <section aria-label="GraphQL's answer">
        <h3>GraphQL</h3>
        <pre>{streams.graphql || waiting}</pre>
      </section>
    </div>
  );
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

function readable(body: string): string {
  try {
    return pretty(JSON.parse(body));
  } catch {
    return body;
  }
}
