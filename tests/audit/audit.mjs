// Runs every check of graphql-http's audit suite against a server: node audit.mjs URL TOKEN
// Ends with status 1 unless all of them pass.
import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const fetchFn = (target, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  return fetch(target, { ...init, headers });
};

const failures = [];
const audits = serverAudits({ url, fetchFn });
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status !== 'ok') failures.push(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
}
for (const failure of failures) console.error(failure);
console.log(`${audits.length - failures.length} of ${audits.length} checks of GraphQL over HTTP pass`);
process.exit(failures.length === 0 ? 0 : 1);
