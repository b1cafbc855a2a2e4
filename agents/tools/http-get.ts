import { z } from 'zod';
import { cutBytes } from '../../contract/text.ts';
import { defineTool, type Tool } from '../tool.ts';
import { htmlToText } from './html-text.ts';
import { createSafeFetch, type Fetched, type SafeFetchOptions } from './safe-fetch.ts';

const TEXTUAL = /^(text\/|application\/(json|xml|javascript|yaml|x-ndjson|[\w.-]+\+(json|xml))$)/;

/** Bytes of text that the model gets: what fits a tool's output with its quotes and escapes. */
const MAX_TEXT_BYTES = 48 * 1024;

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
  const head = { url, status, content_type: mediaType };
  if (mediaType !== '' && !TEXTUAL.test(mediaType)) return { ...head, text: null };
  const content = decode(body, charsetOf(parameters), truncated);
  const whole = mediaType === 'text/html' ? htmlToText(content) : content;
  const text = cutBytes(whole, MAX_TEXT_BYTES);
  return { ...head, text, ...((truncated || text !== whole) && { truncated: true }) };
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
