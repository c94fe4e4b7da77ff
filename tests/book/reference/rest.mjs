// The REST reference, from the OpenAPI document.
import { code, table } from './graphql.mjs';

/** Markdown: what holds for all routes, each route, then what bodies are made of. */
export function restReference(document) {
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => route(document, `${method.toUpperCase()} ${path}`, operation)));
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => described(name, schema));
  return [document.info.description, '## Routes', ...routes, '## Bodies', ...schemas].join('\n\n');
}

function resolved(document, value) {
  if (!value.$ref) return value;
  return value.$ref.slice(2).split('/').reduce((at, name) => at[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

function route(document, call, operation) {
  const parameters = (operation.parameters ?? []).map((parameter) => resolved(document, parameter))
    .map(({ name, in: place, required, schema, description }) =>
      [code(name), required ? `${place}, required` : place, type(schema), oneLine(description)]);
  const body = operation.requestBody && bodyType(operation.requestBody);
  const examples = Object.values(operation.requestBody?.content['application/json']?.examples ?? {});
  const answers = Object.entries(operation.responses).map(([status, response]) => {
    const { description, content } = resolved(document, response);
    return [status, oneLine(description), content ? bodyType({ content }) : ''];
  });
  return [
    `### ${call} {#${operation.operationId}}`, // mdBook takes the last braces of a heading for its id
    `${operation.summary}. ${oneLine(operation.description)}`,
    parameters.length > 0 && table(['parameter', 'in', 'type', ''], parameters),
    body && `Body: ${body}${operation.requestBody.required ? '' : ', or none'}`,
    ...examples.map(({ value }) => `\`\`\`json\n${pretty(value)}\n\`\`\``),
    table(['status', '', 'body'], answers),
  ].filter(Boolean).join('\n\n');
}

function bodyType({ content }) {
  const [[media, { schema }]] = Object.entries(content);
  const text = schema ? type(schema) : '';
  return media === 'application/json' ? text : [code(media), text].filter(Boolean).join(' of ');
}

function described(name, schema) {
  const head = `### ${name} {#body-${name}}\n\n${oneLine(schema.description)}`;
  if (schema.oneOf) return `${head}\n\nOne of:\n\n${schema.oneOf.map((one) => `${oneLine(one.description)}\n\n${members(one)}`).join('\n\n')}`;
  if (schema.properties) return `${head}\n\n${members(schema)}`;
  return `${head} ${type(schema)}${bounds(schema)}`;
}

function members({ properties, required = [] }) {
  const rows = Object.entries(properties).map(([name, schema]) =>
    [code(name), type(schema), required.includes(name) ? 'always' : '', oneLine(schema.description)]);
  return table(['member', 'type', 'there', ''], rows);
}

/** `string or null, at most 200 characters`, leading to what it is made of. */
function type(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    return `[${name}](#body-${name})`;
  }
  if (schema.oneOf) return schema.oneOf.map(type).join(' or ');
  if (schema.enum) return schema.enum.map((value) => code(value)).join(', ') + byDefault(schema);
  if (schema.type === 'array') return `list of ${type(schema.items)}`;
  return [schema.type].flat().join(' or ') + bounds(schema) + byDefault(schema);
}

const byDefault = (schema) => (schema.default === undefined ? '' : `; ${code(schema.default)} without`);

function bounds({ minimum, maximum, minLength, maxLength, minItems, maxItems, format }) {
  const range = (least, most, of) =>
    most === undefined ? '' : `, ${least === undefined ? 'at most ' : `${least} to `}${most}${of}`;
  return range(minimum, maximum, '') + range(minLength, maxLength, ' characters') + range(minItems, maxItems, ' items')
    + (format === 'date-time' ? ', a time' : '');
}

/** JSON with a line for each item of a list. */
function pretty(value) {
  if (Array.isArray(value)) return `[${value.map(pretty).join(',\n ')}]`;
  return JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ').replace('{ ', '{').replace(/ }$/, '}');
}

const oneLine = (text) => (text ?? '').trim().replace(/\s*\n\s*/g, ' ');
