import { z } from 'zod';
import { defineTool, type Tool } from '../tool.ts';
import { htmlToText } from './html-text.ts';
import { createSafeFetch, type Fetched, type SafeFetchOptions } from './safe-fetch.ts';

const TEXTUAL = /^(text\/|application\/(json|xml|javascript|yaml|x-ndjson|[\w.-]+\+(json|xml))$)/;

/** The `http_get` tool, with its own resolver or limits. */
export function createHttpGet(options?: SafeFetchOptions): Tool {
  const safeFetch = createSafeFetch(options);
  return defineTool({
    name: 'http_get',
    description:
      'Reads a public web page or API by GET and returns its status, content type and text. HTML is reduced to its ' +
      'readable text. Addresses outside the public Internet are refused.',
    parameters: z.object({ url: z.string().max(4096).describe('An http or https URL.') }),
    idempotent: true,
    run: async ({ url }, { signal }) => describe(await safeFetch(url, signal)),
  });
}

export const httpGet = createHttpGet();

/** `text` is null where the content is not textual. */
function describe({ url, status, contentType, body, truncated }: Fetched) {
  const [mediaType = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const textual = mediaType === '' || TEXTUAL.test(mediaType);
  const text = textual ? decode(body, charsetOf(parameters), truncated) : null;
  return {
    url,
    status,
    content_type: mediaType,
    text: text !== null && mediaType === 'text/html' ? htmlToText(text) : text,
    ...(truncated && { truncated }),
  };
}

function charsetOf(parameters: string[]): string {
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  return charset?.slice('charset='.length).replaceAll('"', '') ?? 'utf-8';
}

/** A character that the size limit cut in two is left out; an unknown charset is read as UTF-8. */
function decode(body: Uint8Array, charset: string, truncated: boolean): string {
  const known = isCharset(charset) ? charset : 'utf-8';
  return new TextDecoder(known).decode(body, { stream: truncated });
}

function isCharset(label: string): boolean {
  try {
    return new TextDecoder(label) !== null;
  } catch {
    return false;
  }
}
