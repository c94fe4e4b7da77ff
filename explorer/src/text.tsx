/** A text of the OpenAPI document, in which code stands between backticks. */
export function Text({ children }: { children: string }) {
  return children.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
