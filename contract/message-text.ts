/** A message as the model is told of it. Providers refuse a turn without text. */
export function messageText({ from, text }: { from: string | null; text: string }): string {
  return from === null ? text || '(an empty message)' : `Message from ${from}:\n${text}`;
}
