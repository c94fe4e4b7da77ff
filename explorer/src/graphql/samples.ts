import text from '../../samples.graphql?raw';

/** An operation to start from. */
export interface Sample {
  title: string;
  kind: 'query' | 'mutation' | 'subscription';
  document: string;
  /** JSON, or nothing. */
  variables: string;
}

/** Operations with a blank line between. Above each is its title, and below that its variables, in comments. */
export const samples: Sample[] = text
  .trim()
  .split(/\n\n+/)
  .map((block) => {
    const lines = block.split('\n');
    const comments = lines.filter((line) => line.startsWith('# ')).map((line) => line.slice(2));
    const document = lines.filter((line) => !line.startsWith('# ')).join('\n');
    const [title = '', ...json] = comments;
    const variables = json.length > 0 ? JSON.stringify(JSON.parse(json.join('\n')), null, 2) : '';
    return { title, kind: document.split(/\W/)[0] as Sample['kind'], document, variables };
  });
