import { cutText } from '../../contract/text.ts';
import type { PromptMessage, ToolCall, ToolSpec } from './model.ts';

export type ToolResult = PromptMessage & { role: 'tool' };

/** The search for a sum takes time with the square of the text's length. */
const MAX_READ = 2000;

const URL_SHAPE = /https?:\/\/[^\s<>"'`)\]]*[^\s<>"'`)\].,;:!?]/;
const ASKS_FOR_TIME =
  /\b(what time|time is it|current time|what day|which day|today|date|weekday|clock)\b/i;
const TIME_ZONE =
  /\b(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)\/[A-Za-z_/+-]+\b/;
/** Numbers, operators, parentheses and `sqrt(…)`-like names, beginning and ending with an operand. */
const ARITHMETIC = /(?:\b(?:sqrt|log|sin|cos|tan|abs|round)\(|[(\d-])[\d\s.+\-*/^%()x×÷]*[\d)!%]/g;
const HAS_OPERATION = /\d\s*[)!%]*\s*[-+*/^x×÷]\s*[(\d-]|\d!|\(\d/;

/** The last thing the user said, and what tools have answered since. */
export function questionOf(messages: readonly PromptMessage[]): {
  question: string;
  results: ToolResult[];
} {
  const at = messages.findLastIndex((message) => message.role === 'user');
  const message = messages[at];
  return {
    question: message?.role === 'user' ? cutText(message.text, MAX_READ) : '',
    results: messages.slice(at + 1).filter((later) => later.role === 'tool'),
  };
}

/** The calls that would help to answer, of the tools that there are. */
export function planCalls(question: string, tools: readonly ToolSpec[]): ToolCall[] {
  const [url] = URL_SHAPE.exec(question) ?? [];
  const zone = zoneIn(question);
  const expression = arithmeticIn(question.replace(URL_SHAPE, ' '));
  const wanted = [
    expression && { name: 'calculator', arguments: { expression } },
    (TIME_ZONE.test(question) || ASKS_FOR_TIME.test(question)) && {
      name: 'current_time',
      arguments: { time_zone: zone ?? 'UTC' },
    },
    url && { name: 'http_get', arguments: { url } },
  ].filter((call) => !!call);
  return wanted
    .filter(({ name }) => tools.some((tool) => tool.name === name))
    .map((call, index) => ({ callId: `call_${index + 1}`, ...call }));
}

/** The time zone that the text names, by its own name or by that of its city. */
function zoneIn(text: string): string | undefined {
  const [zone] = TIME_ZONE.exec(text) ?? [];
  return zone ?? Intl.supportedValuesOf('timeZone').find((name) => namesCity(text, name));
}

function namesCity(text: string, zone: string): boolean {
  const city = zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ');
  return city.length > 3 && new RegExp(`\\b${city}\\b`).test(text);
}

/** The first piece of the text that reads as a sum, in the calculator's notation. */
function arithmeticIn(text: string): string | undefined {
  const isDate = /^\d{4}-\d{1,2}(-\d{1,2})?$/;
  return (text.match(ARITHMETIC) ?? [])
    .map((match) => match.trim())
    .find((match) => HAS_OPERATION.test(match) && !isDate.test(match))
    ?.replace(/[x×]/g, '*')
    .replaceAll('÷', '/');
}
