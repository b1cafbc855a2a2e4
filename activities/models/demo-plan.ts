import { isDeepStrictEqual } from 'node:util';
import { sentenceFor } from './demo-answer.ts';
import type { Errand } from './demo-errand.ts';
import { ordersIn } from './demo-orders.ts';
import type { ToolCall, ToolSpec } from './model.ts';

export type WantedCall = Omit<ToolCall, 'callId'>;

/** Most sums that one text is searched for. */
const MAX_SUMS = 20;

const URL_SHAPE = /https?:\/\/[^\s<>"'`)\]]*[^\s<>"'`)\].,;:!?]/;
const ASKS_FOR_TIME =
  /\b(what time|time is it|current time|what day|which day|today|date|weekday|clock)\b/i;
const TIME_ZONE =
  /\b(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)\/[A-Za-z_/+-]+\b/;
/** Numbers, operators, parentheses and `sqrt(…)`-like names, beginning and ending with an operand. */
const ARITHMETIC = /(?:\b(?:sqrt|log|sin|cos|tan|abs|round)\(|[(\d-])[\d\s.+\-*/^%()x×÷]*[\d)!%]/g;
const HAS_OPERATION = /\d\s*[)!%]*\s*[-+*/^x×÷]\s*[(\d-]|\d!|\(\d/;
const ONE_BY_ONE = /\bone (after (the other|another)|by one|at a time)\b/i;
const ASKS_FOR_PROGRESS = /\breport (your |the )?progress\b/i;

/** The calls of the next step: those that would help, of the tools that there are, and that were not made yet. */
export function nextCalls(errand: Errand, tools: readonly ToolSpec[]): ToolCall[] {
  const { question, made } = errand;
  const possible = (calls: WantedCall[]) =>
    calls.filter(({ name }) => tools.some((tool) => tool.name === name));
  const orders = possible(ordersIn(question));
  const reports = without(possible(reportOn(errand)), made);
  const calls =
    orders.length > 0
      ? alike(without(orders, made))
      : [...reports, ...paced(question, without(possible(helpfulCalls(question)), made))];
  return calls.map((call, index) => ({ callId: `call_${index + 1}`, ...call }));
}

/** What is left of the calls when each that was made has taken its like away. */
function without(calls: readonly WantedCall[], made: readonly ToolCall[]): WantedCall[] {
  const left = [...calls];
  for (const { name, arguments: args } of made) {
    const at = left.findIndex((call) => isDeepStrictEqual(call, { name, arguments: args }));
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

/** Orders of one kind go together; those of another kind may need what comes of them. */
function alike(calls: WantedCall[]): WantedCall[] {
  const end = calls.findIndex(({ name }) => name !== calls[0]?.name);
  return end < 0 ? calls : calls.slice(0, end);
}

function paced(question: string, calls: WantedCall[]): WantedCall[] {
  return ONE_BY_ONE.test(question) ? calls.slice(0, 1) : calls;
}

function helpfulCalls(question: string): WantedCall[] {
  const [url] = URL_SHAPE.exec(question) ?? [];
  const zone = zoneIn(question);
  return [
    ...sumsIn(question.replace(URL_SHAPE, ' ')).map((expression) => ({
      name: 'calculator',
      arguments: { expression },
    })),
    ...(TIME_ZONE.test(question) || ASKS_FOR_TIME.test(question)
      ? [{ name: 'current_time', arguments: { time_zone: zone ?? 'UTC' } }]
      : []),
    ...(url ? [{ name: 'http_get', arguments: { url } }] : []),
  ];
}

/** How far the errand is, if it was asked to say so and anything has come of it. */
function reportOn({ question, results }: Errand): WantedCall[] {
  if (!ASKS_FOR_PROGRESS.test(question)) return [];
  const found = results.filter(({ name }) => name !== 'report_progress');
  const last = found.at(-1);
  if (!last) return [];
  const total = Math.max(helpfulCalls(question).length, found.length);
  const report = { done: found.length, total, note: sentenceFor(last) };
  return [{ name: 'report_progress', arguments: report }];
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

/** The pieces of the text that read as sums, in the calculator's notation. */
function sumsIn(text: string): string[] {
  const isDate = /^\d{4}-\d{1,2}(-\d{1,2})?$/;
  return (text.match(ARITHMETIC) ?? [])
    .map((match) => match.trim())
    .filter((match) => HAS_OPERATION.test(match) && !isDate.test(match))
    .slice(0, MAX_SUMS)
    .map((match) => match.replace(/[x×]/g, '*').replaceAll('÷', '/'));
}
