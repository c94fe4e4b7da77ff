import { useId } from 'react';

import { Text } from '../text';
import type { Parameter } from './catalog';
import { type Filled, key } from './filled';

/** What a call takes, to be filled in. */
export function Form({ filled, change }: { filled: Filled; change(filled: Filled): void }) {
  const { call, values, body } = filled;
  const id = useId();
  return (
    <>
      {call.parameters.map((parameter) => (
        <Field
          key={key(parameter)}
          parameter={parameter}
          value={values[key(parameter)] ?? ''}
          change={(value) => change({ ...filled, values: { ...values, [key(parameter)]: value } })}
        />
      ))}
      {call.bodies.length > 0 && (
        <div className="field">
          <label htmlFor={id}>body</label>
          <textarea
            id={id}
            rows={Math.min(12, body.split('\n').length + 1)}
            value={body}
            spellCheck={false}
            onChange={(event) => change({ ...filled, body: event.target.value })}
          />
          <p className="buttons" role="group" aria-label="Bodies to start from">
            {call.bodies.map(([title, example]) => (
              <button
                key={title}
                type="button"
                onClick={() => change({ ...filled, body: JSON.stringify(example, null, 2) })}
              >
                {title}
              </button>
            ))}
          </p>
        </div>
      )}
    </>
  );
}

function Field({ parameter, value, change }: { parameter: Parameter; value: string; change(value: string): void }) {
  const id = useId();
  const { schema } = parameter;
  const example = schema.examples?.[0] ?? schema.default;
  return (
    <div className="field">
      <label htmlFor={id}>
        {parameter.name} <span className="dim">{parameter.in}{parameter.required ? ', required' : ''}</span>
      </label>
      {schema.enum ? (
        <select id={id} value={value} aria-describedby={`${id}-what`} onChange={(event) => change(event.target.value)}>
          <option value="">—</option>
          {schema.enum.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          value={value}
          placeholder={example === undefined ? '' : String(example)}
          spellCheck={false}
          autoComplete="off"
          aria-describedby={`${id}-what`}
          onChange={(event) => change(event.target.value)}
        />
      )}
      <p id={`${id}-what`} className="dim">
        <Text>{parameter.description ?? ''}</Text>
      </p>
    </div>
  );
}
