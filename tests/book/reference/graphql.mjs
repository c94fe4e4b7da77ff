// The GraphQL reference, from the text of the schema.
import {
  buildSchema, getNamedType, isEnumType, isInputObjectType, isIntrospectionType, isObjectType, isScalarType,
  isSpecifiedScalarType, isUnionType,
} from 'graphql';

/** Markdown: the operations, then every type. */
export function graphqlReference(sdl) {
  const schema = buildSchema(sdl);
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(Boolean);
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !roots.includes(type) && !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const kinds = [
    ['Objects and unions', (type) => isObjectType(type) || isUnionType(type)],
    ['Inputs', isInputObjectType],
    ['Enums', isEnumType],
    ['Scalars', isScalarType],
  ];
  return [
    ...roots.map((root) => `## ${root.name}\n\n${oneLine(root)}\n\n${fields(root).map((field) => operation(root, field)).join('\n\n')}`),
    ...kinds.map(([title, isOne]) => `## ${title}\n\n${types.filter(isOne).map(described).join('\n\n')}`),
  ].join('\n\n');
}

const fields = (type) => Object.values(type.getFields());

const oneLine = ({ description }) => (description ?? '').trim().replace(/\s*\n\s*/g, ' ');

function operation(root, field) {
  const table = field.args.length > 0 ? `\n\n${members('argument', field.args)}` : '';
  return `### ${field.name} {#${root.name}-${field.name}}\n\nAnswers ${typeName(field.type)}. ${oneLine(field)}${table}`;
}

function described(type) {
  const head = `### ${type.name} {#type-${type.name}}\n\n${oneLine(type)}`;
  if (isUnionType(type)) return `${head}\n\nOne of ${type.getTypes().map(typeName).join(', ')}.`;
  if (isEnumType(type)) return `${head}\n\n${table(['value', ''], type.getValues().map((value) => [code(value.name), oneLine(value)]))}`;
  if (isScalarType(type)) return head;
  const oneOf = type.isOneOf ? ' Exactly one member has to be there.' : '';
  return `${head}${oneOf}\n\n${members(isInputObjectType(type) ? 'member' : 'field', fields(type))}`;
}

const members = (title, all) =>
  table([title, 'type', ''], all.map((one) => [code(one.name), typeName(one.type), oneLine(one)]));

/** The type as the schema writes it, leading to where it is described. */
function typeName(type) {
  const named = getNamedType(type);
  const text = code(String(type));
  return isSpecifiedScalarType(named) ? text : `[${text}](#type-${named.name})`;
}

export const code = (text) => `\`${text}\``;

/** A Markdown table. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
