// What the chapter on sizing shows of bench/results.json.
import { table } from './graphql.mjs';

const ROWS = {
  'one-rest': 'one task by REST',
  'list-rest': '50 tasks by REST',
  'unchanged-rest': '304 on a list of 50',
  'one-graphql': 'one task by GraphQL',
  'list-graphql': '50 tasks by GraphQL',
  'create-rest': 'create by REST',
  'toggle-rest': 'toggle by REST',
};

/** Tables of the last round, of taskgate alone: `{ rates, growth, machine }`. */
export function figures({ rounds, growth, versions, ready_ms }) {
  const last = rounds.at(-1);
  const cells = (sample) => [Math.round(sample.rate).toLocaleString('en'), sample.p50_ms.toFixed(1), sample.p99_ms.toFixed(0)];
  const rows = Object.entries(ROWS).map(([key, title]) =>
    [title, ...cells(last[key].taskgate), ...cells(last[key]['taskgate, SQLite'])]);
  const head = ['', 'PostgreSQL: requests/s', 'p50 ms', 'p99 ms', 'SQLite: requests/s', 'p50 ms', 'p99 ms'];
  const most = (name) => Math.max(...Object.keys(ROWS).map((key) => last[key][name].resident_mb)).toFixed(0);
  const grown = {
    small: 'a user with 50 tasks, among 10,000',
    large: 'a user with 50 tasks, among 1,000,000',
    many: 'a user with 10,080 tasks, among 1,000,000',
    deep: "that user's tasks after the newest 10,000",
  };
  return {
    rates: table(head, rows),
    growth: table(['p50 of a page of 50, in ms', 'PostgreSQL', 'SQLite'],
      Object.entries(grown).map(([key, title]) => [title, ...['PostgreSQL', 'SQLite'].map((on) => growth[on][key].toFixed(2))])),
    machine: `Measured on one machine (${versions.machine}) that also ran the load and PostgreSQL. It was ready `
      + `${Math.round(ready_ms)} ms after its start, and held at most ${most('taskgate')} MB on PostgreSQL and `
      + `${most('taskgate, SQLite')} MB on SQLite.`,
  };
}
